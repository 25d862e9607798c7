/** `ten caddy --install` on the files of a machine that is thrown away. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { run } from './installed.js';

const FILE = '/etc/caddy/Caddyfile';

test('a Caddyfile that Caddy refuses takes the place of none', async (t) => {
  if ((await run('caddy', ['version'], '/').catch(() => ({ exitCode: 1 }))).exitCode !== 0)
    return t.pass('skipped: no Caddy here');
  const before = existsSync(FILE) ? readFileSync(FILE, 'utf8') : undefined;
  const ten = new URL('../../src/cli/main.js', import.meta.url).pathname;
  const args = ['caddy', '--domain', 'example.com', '--dns-provider', 'nobodys', '--install'];
  const { exitCode, stderr } = await run(process.execPath, [ten, ...args], '/');
  t.not(exitCode, 0);
  t.regex(stderr, /nobodys/);
  t.is(existsSync(FILE) ? readFileSync(FILE, 'utf8') : undefined, before);
  t.deepEqual(
    readdirSync('/etc/caddy').filter((name) => name.endsWith('.incoming')),
    [],
  );
});
