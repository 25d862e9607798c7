import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { buildCommand, buildEnv, builderOf, type Step } from '../../../isolation/builder.js';
import { probeHost } from '../../../isolation/index.js';
import { builtLaunch } from '../../../isolation/namespace-build.js';

const builder = builderOf(await probeHost());

/** Without privileges: only steps that need none. fd 3 is the report, 4 the app's stderr. */
function build(steps: readonly Step[], env: Record<string, string>, command: readonly string[]) {
  if (builder === undefined) throw new Error('no perl');
  const [file = '', ...args] = [...buildCommand(builder.perl), ...command];
  const result = spawnSync(file, args, {
    env: buildEnv(builder.arch, steps, { TENEMENT_RUN: 'r1', ...env }),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  const [, out, complaints, report, stderr] = result.output;
  return { out, complaints, report, stderr, code: result.status };
}

const run = builder === undefined ? test.skip : test;
if (builder === undefined) console.log('skipped: the builder needs perl, and Linux on x64 or arm64');

run('the app gets its environment and nothing else, whatever is in it', (t) => {
  const env = { A: "it's = \n%20 ü", LD_PRELOAD: '', PERL5OPT: '-Mnot::there', _: 'x', PWD: '/nowhere' };
  const { out, report } = build([], env, ['/usr/bin/env', '-0']);
  t.deepEqual(
    (out ?? '').split('\0').sort(),
    ['', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), 'TENEMENT_RUN=r1'].sort(),
  );
  t.is(report, 'ok\n');
});

run('words of steps arrive unchanged: blanks, line breaks, percent signs, nothing', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'tenement-builder-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'a b%41');
  const text = 'one two\n%0a\n\nü\n';
  build(
    [
      ['file', path, text],
      ['file', join(directory, 'empty'), ''],
    ],
    {},
    ['/bin/true'],
  );
  t.is(readFileSync(path, 'utf8'), text);
  t.is(readFileSync(join(directory, 'empty'), 'utf8'), '');
});

run('a step that fails is reported, and nothing is executed', (t) => {
  const result = build([['enter', '/does/not/exist']], {}, ['/bin/echo', 'executed']);
  t.is(result.out, '');
  t.is(result.complaints, '/does/not/exist: No such file or directory\n');
  t.is(result.report, '');
  t.is(result.code, 1);
});

run('limits hold for the app; its status is its own; its stderr is fd 4', (t) => {
  const command = ['/bin/sh', '-c', 'ulimit -n; echo bad >&2; exit 7'];
  const result = build([['limit', 7, 50]], {}, command);
  t.is(result.out, '50\n');
  t.is(result.stderr, 'bad\n');
  t.is(result.complaints, '');
  t.is(result.code, 7);
});

run('the app has no descriptors but those of its streams', (t) => {
  const { out } = build([], {}, ['/bin/ls', '/proc/self/fd']);
  // Those that are far away came from whoever runs the tests; 3 is that of ls itself.
  const low = (out ?? '').split('\n').filter((fd) => /^\d$/.test(fd));
  t.deepEqual(low, ['0', '1', '2', '3']);
});

run('what perl says about the program: nothing', (t) => {
  const { TENEMENT_BUILD = '' } = builder === undefined ? {} : buildEnv(builder.arch, [], {});
  const { stderr } = spawnSync(builder?.perl ?? '', ['-wc', '-e', TENEMENT_BUILD], { encoding: 'utf8' });
  t.is(stderr, '-e syntax OK\n');
});

const base = {
  socket: false,
  command: ['/usr/bin/python3', 'app.py'] as const,
  env: { STRIPE_KEY: 'secret', LD_PRELOAD: '/tmp/evil.so', TENEMENT_RUN: 'r1' },
  directory: '/srv/app',
  home: '/data/home',
  groups: ['/cg/a/cgroup.procs'],
  limits: { nofile: 100 },
  identity: { uid: 1900000001, gid: 1900000002 },
  network: 'none' as const,
  plan: { mounts: [], directories: [], links: [], files: [], hostname: undefined, seal: false },
  builder: { perl: '/usr/bin/perl', arch: 'x64' as const },
  tools: { unshare: '/usr/bin/unshare', setpriv: '/usr/bin/setpriv' },
};

test('secrets and steps show neither in arguments nor under names that a loader obeys', (t) => {
  const { args, env } = builtLaunch(base);
  t.false(args.join(' ').includes('secret'));
  t.true(Object.keys(env).every((name) => name.startsWith('TENEMENT_')));
});

test("the user, then no powers, then the filter, then what is the tenant's", (t) => {
  const order = (change: object): string[] =>
    (builtLaunch({ ...base, ...change }).env.TENEMENT_STEPS ?? '')
      .split('\n')
      .map((line) => line.split(' ')[0] ?? '')
      .slice(2);
  t.deepEqual(order({}), 'loopback limit limit bounds user powerless filter home enter'.split(' '));
  t.deepEqual(
    order({ identity: undefined, network: 'host', ready: Promise.resolve() }),
    'limit limit wait file bounds powerless filter home enter'.split(' '),
    'no other user, and no further user namespaces',
  );
});

test('no death signal ties the instance to the server', (t) => {
  const { args, env } = builtLaunch(base);
  t.false(`${args.join(' ')}${env.TENEMENT_BUILD}`.includes('pdeathsig'));
  t.is(args.filter((word) => word.startsWith('--kill-child')).length, 1);
});
