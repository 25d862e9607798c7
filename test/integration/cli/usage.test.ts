import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../../src/base/package-root.js';
import { TEN } from '../../helpers/example-server.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { runTen } from '../../helpers/run-ten.js';

test('--version is the version of package.json', async (t) => {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
  t.deepEqual(await runTen(['--version'], { cwd: freshDir(t) }), {
    exitCode: 0,
    stdout: version,
    stderr: '',
  });
});

test('wrong usage exits 2 and says on stderr what to try', async (t) => {
  const cwd = freshDir(t);
  const cases: [string[], RegExp][] = [
    [['spwan'], /^error: unknown command 'spwan'\ntry: did you mean `ten spawn`\?$/],
    [['spawn'], /^error: missing required argument 'instance'\ntry: `ten spawn --help`/],
    [['stop', 'notes:alice', '--hodl'], /^error: unknown option '--hodl'\ntry: did you mean `--hold`\?$/],
    [['token', 'lss'], /^error: unknown command 'lss'\ntry: did you mean `ten token ls`\?$/],
    [['spawn', 'Notes:alice'], /^error: "Notes" is not a valid service\ntry: /],
    [['weight', 'notes:v1', '101'], /^error: the weight must be a whole number from 0 to 100/],
    [['logs', '--stream', 'both'], /^error: .*'both'.*\ntry: /],
    [['logs', '--since', 'yesterday'], /^error: --since takes a duration or a time/],
    [['--server', 'ftp://x', 'ps'], /^error: "ftp:\/\/x" is not the URL of a server/],
    [['ps', 'a', 'b'], /^error: too many arguments/],
    [['ps', '-o', 'narrow'], /^error: -o takes .*\ntry: `ten ps --help` shows how it is used\.$/],
    [['ps', 'No'], /^error: "No" is not a valid service/],
    [['weight', 'notes:v1', 'x'], /\ntry: `ten weight --help`/],
    [['env', 'set', 'notes:alice', '1X', 'v'], /\ntry: `ten env set --help`/],
    [['env', 'set', 'notes:alice', 'A=1', '2'], /\ntry: `ten env set --help`/],
    [['stop', 'notes:alice', '--id', 'bob'], /\ntry: `ten stop --help`/],
    [['serve', '-p', '99999'], /\ntry: `ten serve --help`/],
    [['token', 'create', '--tenant', 'a', '--scope', 'admin'], /\ntry: `ten token create --help`/],
    [['deploy', 'notes:v2', '--timeout', 'soon'], /\ntry: `ten deploy --help`/],
    [['--data-dir', '', 'logs'], /^error: --data-dir is empty\ntry: `ten logs --help`/],
    [['serve', '-d', 'bad domain'], /^error: "bad domain" is not a domain\ntry: /],
    [['serve', '--domain', 'http://x'], /^error: "http:\/\/x" is not a domain\ntry: .*-d x$/],
    [['serve', '--domain='], /^error: "" is not a domain\ntry: /],
  ];
  for (const [args, stderr] of cases) {
    const run = await runTen(args, { cwd });
    t.is(run.exitCode, 2, args.join(' '));
    t.is(run.stdout, '', args.join(' '));
    t.regex(run.stderr, stderr);
  }
});

test('without a command the help is shown, as wrong usage', async (t) => {
  const run = await runTen([], { cwd: freshDir(t) });
  t.is(run.exitCode, 2);
  t.regex(run.stderr, /^Usage: ten/);
});

test('commands of later versions say so', async (t) => {
  const cwd = freshDir(t);
  for (const name of ['top', 'explain']) {
    const run = await runTen([name, 'notes:alice', '--dry-run'], { cwd });
    t.is(run.exitCode, 1, name);
    t.regex(run.stderr, new RegExp(`^error: This version of tenement has no .ten ${name}. yet\ntry: `));
  }
  const tls = await runTen(['serve', '--tls', '--email', 'me@example.com'], { cwd });
  t.is(tls.exitCode, 1);
  t.regex(tls.stderr, /^error: .*TLS/);
});

test('help loads neither schemas nor native modules', async (t) => {
  // Each module that gets loaded is named in the debug output of Node's loader.
  const { stdout, stderr, exitCode } = await execa(TEN[0], [TEN[1], '--help'], {
    cwd: freshDir(t),
    env: { NODE_DEBUG: 'esm,module' },
    reject: false,
  });
  t.is(exitCode, 0);
  t.true(stdout.includes('Not in this version:'));
  t.true(stderr.includes('commander'), 'the debug output names what was loaded');
  for (const heavy of ['node_modules/zod', 'better-sqlite3', 'node_modules/pino', 'smol-toml']) {
    t.false(stderr.includes(heavy), heavy);
  }
});
