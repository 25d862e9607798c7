/** `ten caddy --install` on the files of a machine that is thrown away. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { until } from '../helpers/until.js';
import { run } from './installed.js';
import { property } from './units.js';

const FILE = '/etc/caddy/Caddyfile';

const ten = new URL('../../src/cli/main.js', import.meta.url).pathname;

async function hasCaddy(): Promise<boolean> {
  return (await run('caddy', ['version'], '/').catch(() => ({ exitCode: 1 }))).exitCode === 0;
}

function skip(t: ExecutionContext): void {
  t.log('skipped: there is no caddy here');
  t.pass();
}

test.serial('a Caddyfile that Caddy refuses takes the place of none', async (t) => {
  if (!(await hasCaddy())) return skip(t);
  const before = existsSync(FILE) ? readFileSync(FILE, 'utf8') : undefined;
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

test.serial('the drop-in gives Caddy its token, and the journal none of it', async (t) => {
  if (!(await hasCaddy())) return skip(t);
  const [drop, token, secret] = [
    '/etc/systemd/system/caddy.service.d',
    '/etc/caddy/dns.env',
    'secret-of-a-provider',
  ];
  const before = existsSync(FILE) ? readFileSync(FILE, 'utf8') : undefined;
  t.teardown(async () => {
    await execa('systemctl', ['stop', 'caddy.service'], { reject: false });
    for (const path of [drop, token, FILE]) rmSync(path, { recursive: true, force: true });
    if (before !== undefined) writeFileSync(FILE, before);
    await execa('systemctl', ['daemon-reload']);
  });
  mkdirSync(drop, { recursive: true });
  writeFileSync(
    `${drop}/dns-token.conf`,
    (await run(process.execPath, [ten, 'caddy', '--systemd'], '/')).stdout,
  );
  writeFileSync(token, `DNS_API_TOKEN=${secret}\n`, { mode: 0o600 });
  writeFileSync(FILE, 'http://127.0.0.1:8099 {\n\trespond {env.DNS_API_TOKEN}\n}\n');
  await execa('systemctl', ['daemon-reload']);
  await execa('systemctl', ['start', 'caddy.service']);
  t.is(await property('caddy.service', 'ActiveState'), 'active');
  await until('it answers', async () => {
    const { stdout } = await execa('curl', ['-sS', 'http://127.0.0.1:8099/'], { reject: false });
    return stdout === secret;
  });
  const { stdout } = await execa('journalctl', ['--no-pager', '--unit=caddy.service']);
  t.true(stdout.includes('Caddy'));
  t.false(stdout.includes(secret));
});
