import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { execa } from 'execa';

const PROBE = fileURLToPath(new URL('../../isolation/unit/probe.js', import.meta.url));
const ONE = `const { probeSystemd } = await import(process.argv[1]); console.log(JSON.stringify(await probeSystemd(true)));`;

test('servers that start at the same time learn the same of systemd, and leave nothing of it', async (t) => {
  const [first, ...others] = await Promise.all(
    Array.from({ length: 8 }, () => execa(process.execPath, ['--input-type=module', '-e', ONE, PROBE])),
  );
  const { works, users } = JSON.parse(first?.stdout ?? '{}');
  t.true(works);
  t.deepEqual(users, { works: true, reason: '' });
  for (const other of others) t.is(other.stdout, first?.stdout ?? '');
  t.deepEqual(
    readdirSync('/run/userdb').filter((name) => /\b189\d{7}\b/.test(name)),
    [],
  );
});
