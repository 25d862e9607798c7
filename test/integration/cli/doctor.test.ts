import { readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ATTACKS } from '../../../isolation/index.js';
import type { Check } from '../../../src/cli/doctor/check.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { runTen, startTen } from '../../helpers/run-ten.js';

interface Report {
  readonly checks: Check[];
  readonly ways: { name: string; backend: string; error?: string }[];
  readonly attacks: {
    id: string;
    title: string;
    findings: { way: string; outcome: string; promised: boolean; remedy?: string }[];
  }[];
}

const linux = process.platform === 'linux';

/** Serial: each starts a dozen instances. */
test.serial(
  'doctor measures every attack on every way that works here, without a server, and leaves nothing',
  async (t) => {
    if (!linux) return void t.pass();
    const cwd = freshDir(t);
    const service = (name: string, lines: string): string =>
      `[service.${name}]\ncommand = "true"\n${lines}\n`;
    writeFileSync(
      join(cwd, 'tenement.toml'),
      service('trusted', 'isolation = "process"') +
        service('apart', 'isolation = "auto"\nnetwork = "none"\nlisten = "fd"'),
    );
    const running = startTen(['doctor', '--json'], { cwd });
    const run = await running;
    const { checks, ways, attacks }: Report = JSON.parse(String(run.stdout));
    t.is(run.exitCode, checks.some(({ status }) => status === 'fail') ? 1 : 0, String(run.stderr));
    t.deepEqual(
      attacks.map(({ id }) => id),
      ATTACKS.map(({ id }) => id),
    );
    const measured = ways.filter(({ error }) => error === undefined).map(({ name }) => name);
    t.true(measured.some((name) => name.startsWith('process')));
    for (const { id, findings } of attacks) {
      t.deepEqual(
        findings.map(({ way }) => way),
        measured,
        id,
      );
      for (const finding of findings) {
        t.regex(finding.outcome, /^(blocked|open|n\/a)$/);
        t.is(finding.remedy !== undefined, finding.outcome === 'open', id);
        t.false(finding.outcome === 'open' && finding.promised, `${finding.way}: ${id}`);
      }
    }
    const of = (name: string): Check | undefined => checks.find((check) => check.name === `service ${name}`);
    t.is(of('trusted')?.status, 'warn');
    t.not(of('apart')?.status, 'warn');
    // By its pid: others may run beside this one.
    t.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith(`tenement-attacks-${running.pid}-`)),
      [],
    );
  },
);

test.serial('doctor shows the attacks as a table, without colours where nobody wants them', async (t) => {
  if (!linux) return void t.pass();
  const { stdout } = await runTen(['doctor'], { cwd: freshDir(t), env: { NO_COLOR: '1' } });
  t.regex(stdout, /^ATTACK +A( +[B-Z])*$/m);
  for (const { title } of ATTACKS) t.true(stdout.includes(`\n${title} `), title);
  t.false(stdout.includes('\x1b'));
});
