import test from 'ava';
import { execa } from 'execa';
import { cleanEnv, copyExample, TEN } from '../../helpers/example-server.js';
import { freePort } from '../../helpers/free-port.js';
import { haveTools } from '../../helpers/require-tool.js';

test('multi-runtime: the integration script passes all of its checks', async (t) => {
  if (!haveTools(t, 'python3', 'go', 'bash', 'curl')) return;
  const directory = await copyExample(t, 'multi-runtime');
  const run = await execa('bash', ['test.sh'], {
    cwd: directory,
    env: { ...cleanEnv(), TEN: TEN.join(' '), PORT: String(await freePort()) },
    extendEnv: false,
    reject: false,
    all: true,
  });
  t.is(run.exitCode, 0, run.all);
  const summary = /^(\d+) passed, 0 failed$/m.exec(run.stdout);
  t.truthy(summary, run.all);
  t.true(Number(summary?.[1]) >= 56);
});

test('multi-runtime: the integration script fails when a check fails', async (t) => {
  if (!haveTools(t, 'python3', 'go', 'bash', 'curl')) return;
  const directory = await copyExample(t, 'multi-runtime');
  const run = await execa(
    'bash',
    ['-c', 'sed -i.old "s/echo node ;;/echo other ;;/" test.sh && bash test.sh'],
    {
      cwd: directory,
      env: { ...cleanEnv(), TEN: TEN.join(' '), PORT: String(await freePort()) },
      extendEnv: false,
      reject: false,
      all: true,
    },
  );
  t.is(run.exitCode, 1, run.all);
  t.regex(run.stdout, /^\d+ passed, 2 failed$/m);
});
