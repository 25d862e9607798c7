import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Check } from '../../../src/cli/doctor/check.js';
import { clock, nodeVersion } from '../../../src/cli/doctor/machine.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { runTen } from '../../helpers/run-ten.js';

test('init writes a file that check accepts, and never over another', async (t) => {
  const cwd = join(freshDir(t), 'My Notes!');
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'app.py'), 'HEALTH = "/health"\n');
  const run = await runTen(['init'], { cwd });
  t.is(run.exitCode, 0, run.stderr);
  t.regex(
    run.stdout,
    /^Wrote .*tenement\.toml \(Python \(app\.py\)\)\nNext: `ten serve`, then `ten spawn my-notes:alice`$/,
  );
  const text = readFileSync(join(cwd, 'tenement.toml'), 'utf8');
  t.regex(text, /\[service\.my-notes\]\n(#.*\n)*command = "python3 app\.py" [\s\S]*\nhealth = "\/health" /);
  t.regex((await runTen(['check'], { cwd })).stdout, /is valid: 1 service \(my-notes\)$/);
  const again = await runTen(['init'], { cwd });
  t.is(again.exitCode, 1);
  t.regex(again.stderr, /^error: .* exists already\n(because: .*\n)?try: /);
  t.is(readFileSync(join(cwd, 'tenement.toml'), 'utf8'), text);
});

test('init takes name and command as they are given', async (t) => {
  const cwd = freshDir(t);
  const command = `sh -c 'exec "$0" --port $PORT'`;
  t.is((await runTen(['init', '--name', 'api', '--command', command], { cwd })).exitCode, 0);
  const { service } = JSON.parse((await runTen(['config', '--json'], { cwd })).stdout);
  t.is(service.api.command, command);
  const bad = await runTen(['init', '--name', 'No Good'], { cwd: freshDir(t) });
  t.is(bad.exitCode, 2);
});

test('check names every problem; as JSON too', async (t) => {
  const cwd = freshDir(t);
  writeFileSync(join(cwd, 'tenement.toml'), '[service.notes]\ncomand = "x"\nidle_timeout = true\n');
  const run = await runTen(['check'], { cwd });
  t.is(run.exitCode, 1);
  t.regex(run.stderr, /tenement\.toml:2: service\.notes\.comand: .*\(did you mean "command"\?\)/);
  t.regex(run.stderr, /tenement\.toml:3: service\.notes\.idle_timeout: /);
  const json = JSON.parse((await runTen(['check', '--json'], { cwd })).stdout);
  t.false(json.valid);
  t.true(json.problems.length >= 2);
  t.regex(run.stderr, /\ntry: Correct the file/);
  t.notRegex(run.stderr, /`ten check` shows/, 'it has just been run');
});

test('check warns of a file without a service, and of a program that is not there', async (t) => {
  const cwd = freshDir(t);
  for (const [text, warning] of [
    ['', /^warning: there is no service: add a table \[service\.NAME\]/m],
    [
      '[service.notes]\ncommand = "./server"\n',
      /^warning: service\.notes\.command: there is no program .*\/server$/m,
    ],
    [
      '[service.notes]\ncommand = "no-such-program-here"\n',
      /^warning: .*"no-such-program-here" is not in PATH/m,
    ],
  ] as const) {
    writeFileSync(join(cwd, 'tenement.toml'), text);
    const run = await runTen(['check'], { cwd });
    t.is(run.exitCode, 0);
    t.regex(run.stderr, warning);
    t.is(JSON.parse((await runTen(['check', '--json'], { cwd })).stdout).warnings.length, 1);
  }
});

test('check names a user that this machine does not have', async (t) => {
  const cwd = freshDir(t);
  const config = (user: string) =>
    writeFileSync(
      join(cwd, 'tenement.toml'),
      `[service.notes]\ncommand = "x"\nisolation = "process"\nuser = "${user}"\n`,
    );
  config('no-such-user-here');
  const run = await runTen(['check'], { cwd });
  t.is(run.exitCode, 1);
  t.regex(run.stderr, /tenement\.toml:4: service\.notes\.user: there is no user "no-such-user-here"/);
  const json = JSON.parse((await runTen(['check', '--json'], { cwd })).stdout);
  t.like(json, { valid: false, problems: [{ line: 4, key: 'service.notes.user' }] });
  for (const user of ['root', 'auto', '']) {
    config(user);
    t.is((await runTen(['check'], { cwd })).exitCode, 0, user);
  }
});

test('check warns of a named user whose other processes the rules would hit, and finds the file valid', async (t) => {
  const cwd = freshDir(t);
  const text = '[service.notes]\ncommand = "x"\nisolation = "namespace"\nuser = "nobody"\n';
  writeFileSync(join(cwd, 'tenement.toml'), text);
  const run = await runTen(['check'], { cwd });
  t.is(run.exitCode, 0);
  t.regex(
    run.stderr,
    /warning: service\.notes: .*every process of that user on this machine; use user = "auto"/,
  );
});

test('no config: check says where it looked', async (t) => {
  if (existsSync('/etc/tenement/tenement.toml')) {
    t.log('skipped: this machine has a configuration of its own');
    t.pass();
    return;
  }
  const run = await runTen(['check'], { cwd: freshDir(t) });
  t.is(run.exitCode, 1);
  t.regex(run.stderr, /^error: No tenement\.toml was found.*\ntry: `ten init`/);
  const named = await runTen(['check', '--config', 'none.toml'], { cwd: freshDir(t) });
  t.regex(named.stderr, /^error: .*none\.toml/);
});

test('config shows defaults, not secrets', async (t) => {
  const cwd = freshDir(t);
  const text =
    '[service.notes]\ncommand = "x"\nisolation = "process"\n[service.notes.env]\nKEY = "hunter2"\n';
  writeFileSync(join(cwd, 'tenement.toml'), text);
  for (const flags of [[], ['--json']]) {
    const run = await runTen(['config', ...flags], { cwd });
    t.is(run.exitCode, 0, run.stderr);
    t.true(run.stdout.includes('stop_timeout'));
    t.false(run.stdout.includes('hunter2'));
  }
  // What it prints is itself a valid file.
  const shown = (await runTen(['config'], { cwd })).stdout;
  writeFileSync(join(cwd, 'shown.toml'), shown);
  t.is((await runTen(['check', '--config', 'shown.toml'], { cwd })).exitCode, 0);
});

test('doctor: a line each, with a remedy for what is not in order', async (t) => {
  const cwd = freshDir(t);
  const json = await runTen(['doctor', '--quick', '--json'], { cwd });
  const { checks }: { checks: Check[] } = JSON.parse(json.stdout);
  for (const { name, status, remedy } of checks) t.is(remedy === undefined, status === 'ok', name);
  for (const name of ['node', 'config', 'data directory', 'disk', 'ports', 'clock']) {
    t.true(
      checks.some((check) => check.name === name),
      name,
    );
  }
  t.is(json.exitCode, checks.some(({ status }) => status === 'fail') ? 1 : 0);
  t.regex((await runTen(['doctor', '--quick'], { cwd })).stdout, /^CHECK +STATUS +FOUND\n/);
});

test('doctor fails on state that others can read, and on a broken config', async (t) => {
  const cwd = freshDir(t);
  mkdirSync(join(cwd, 'tenement-data/.tenement'), { recursive: true });
  writeFileSync(join(cwd, 'tenement-data/api_token'), 'x');
  chmodSync(join(cwd, 'tenement-data/.tenement'), 0o755);
  chmodSync(join(cwd, 'tenement-data/api_token'), 0o644);
  writeFileSync(join(cwd, 'tenement.toml'), 'nonsense = 1\n');
  const run = await runTen(['doctor', '--quick', '--json'], { cwd });
  t.is(run.exitCode, 1);
  const failed: Check[] = JSON.parse(run.stdout).checks.filter(({ status }: Check) => status === 'fail');
  const found = failed.map((check) => `${check.name}: ${check.found}`).join('\n');
  t.regex(found, /data directory: .*\.tenement has mode 755/);
  t.regex(found, /data directory: .*api_token has mode 644/);
  t.regex(found, /config: .*nonsense/);
});

test('doctor knows an old Node and a clock that is behind', (t) => {
  t.is(nodeVersion('20.19.0').status, 'ok');
  t.is(nodeVersion('24.0.0').status, 'ok');
  t.is(nodeVersion('20.18.9').status, 'fail');
  t.is(nodeVersion('18.20.0').status, 'fail');
  const installed = Date.parse('2026-06-01T00:00:00Z');
  t.is(clock(installed + 1, installed).status, 'ok');
  t.is(clock(Date.parse('1970-01-02T00:00:00Z'), installed).status, 'fail');
});

test('check warns of keys without an effect, and refuses secrets that others can read, before a start does', async (t) => {
  const cwd = freshDir(t);
  const text = '[service.notes]\ncommand = "sh"\nfreeze_timeout = 60\nenv_file = "secrets"\n';
  writeFileSync(join(cwd, 'tenement.toml'), text);
  writeFileSync(join(cwd, 'secrets'), 'KEY=hunter2\n', { mode: 0o600 });
  const good = await runTen(['check'], { cwd });
  t.is(good.exitCode, 0);
  t.regex(
    good.stderr,
    /warning: service\.notes\.freeze_timeout: has no effect without `idle_action = "freeze"`/,
  );
  const { warnings } = JSON.parse((await runTen(['check', '--json'], { cwd })).stdout);
  t.is(warnings.length, 1);
  chmodSync(join(cwd, 'secrets'), 0o644);
  const bad = await runTen(['check'], { cwd });
  t.is(bad.exitCode, 1);
  t.regex(bad.stderr, /tenement\.toml:4: service\.notes\.env_file: .*group or others.*chmod 600/);
  t.notRegex(bad.stderr, /hunter2/);
});
