/** Versions of the program beside each other. Each test goes on where the one before it ended. */
import { existsSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { version } from '../../src/base/package-root.js';
import {
  answers,
  journal,
  pidOf,
  prepareApp,
  removeInstallation,
  run,
  SERVER,
  service,
  ten,
  tenDone,
  Visitors,
} from './installed.js';
import { mainPid, property } from './units.js';

const NEXT = '/srv/tenement-next';
const BROKEN = '/srv/tenement-broken';
const current = (): string => readlinkSync('/opt/tenement/current');

/** Another program: a copy of the one that is installed. */
async function programAt(directory: string, name: string): Promise<void> {
  await execa('cp', ['-a', join('/opt/tenement', current()), directory]);
  const path = join(directory, 'package.json');
  const described = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...described, version: name }));
}

test.before(() => prepareApp(`[instances]\nunits = ["alice"]\n\n${service('units', 'systemd')}`));
test.after.always(async () => {
  await removeInstallation();
  for (const directory of [NEXT, BROKEN]) rmSync(directory, { recursive: true, force: true });
});

test.serial('upgrade: without an installation there is nothing to upgrade or to go back to', async (t) => {
  for (const command of ['upgrade', 'rollback']) {
    const { exitCode, stderr } = await ten(command);
    t.is(exitCode, 1);
    // The first thing that is missing: the program, or, where that was left by another test, its configuration.
    t.regex(stderr, /not installed|no configuration/);
  }
});

test.serial(
  'upgrade: the new version runs, nobody is refused, and the old one stays beside it',
  async (t) => {
    await tenDone(t, 'install');
    await answers('alice.units');
    t.is(current(), version);
    const app = await pidOf('alice.units');
    await programAt(NEXT, '9.9.9');
    const visitors = new Visitors(['alice.units', 'alice.units']);
    await visitors.more(20);
    const { exitCode, stdout, stderr } = await run(join(NEXT, 'bin/ten'), ['upgrade']);
    t.is(exitCode, 0, `${stdout}\n${stderr}\n${await journal()}`);
    await visitors.more(20);
    await visitors.end();
    t.deepEqual(visitors.failures, [], await journal());
    t.is(current(), '9.9.9');
    t.true(existsSync(join('/opt/tenement', version)));
    t.is(await pidOf('alice.units'), app);
    t.is((await run('/usr/local/bin/ten', ['--version'])).stdout, '9.9.9');
  },
);

test.serial('upgrade: once more, there is nothing to do', async (t) => {
  const pid = await mainPid(SERVER);
  t.regex((await run(join(NEXT, 'bin/ten'), ['upgrade'])).stdout, /Nothing to do/);
  t.is(await mainPid(SERVER), pid);
});

test.serial('upgrade: rolled back, the old version runs; and back again', async (t) => {
  t.is((await run('/usr/local/bin/ten', ['rollback'])).exitCode, 0);
  t.is(current(), version);
  await answers('alice.units');
  t.is((await run('/usr/local/bin/ten', ['rollback'])).exitCode, 0);
  t.is(current(), '9.9.9');
  await answers('alice.units');
});

test.serial('upgrade: a version that does not start is taken back', async (t) => {
  await programAt(BROKEN, '9.9.10');
  writeFileSync(
    join(BROKEN, 'dist/src/daemon.js'),
    "export function serve() { throw new Error('broken'); }\n",
  );
  const { exitCode, stderr } = await run(join(BROKEN, 'bin/ten'), ['upgrade']);
  t.is(exitCode, 1, stderr);
  t.regex(stderr, /going back/);
  t.is(current(), '9.9.9');
  t.is(await property(SERVER, 'ActiveState'), 'active');
  await answers('alice.units');
});
