/** Installations, upgrades and rollbacks that are killed at any moment. */
import { existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { version } from '../../src/base/package-root.js';
import { cleanEnv } from '../helpers/example-server.js';
import { until } from '../helpers/until.js';
import { APP, answers, prepareApp, removeInstallation, run, SERVER, service, tenDone } from './installed.js';
import { NEXT, nextProgram } from './next-program.js';
import { mainPid, property } from './units.js';

test.beforeEach(() => prepareApp(`[instances]\nunits = ["alice"]\n\n${service('units', 'systemd')}`));
test.afterEach.always(async () => {
  await removeInstallation();
  rmSync(NEXT, { recursive: true, force: true });
});

/** Calls a program's command that puts version `to` into use, and ends it in the midst of that; whether it came to that: on a busy machine it may be done before it is seen. */
async function killedAt(moment: string, main: string, command: string, to: string): Promise<boolean> {
  // As Ctrl-C: all that it has started, too.
  const options = { cwd: APP, env: cleanEnv(), extendEnv: false, reject: false, detached: true } as const;
  const running = execa(process.execPath, [main, command], options);
  let done = false;
  const ended = running.then(() => {
    done = true;
  });
  await until(`${moment} has begun`, async () => {
    if (done) return true;
    if (moment === 'copy') return existsSync(`/opt/tenement/.incoming-${to}`);
    if (readlinkSync('/opt/tenement/current') !== to) return false;
    return moment === 'link' || (await property(SERVER, 'ActiveState')) !== 'active';
  });
  if (!done && running.pid !== undefined) process.kill(-running.pid, 'SIGKILL');
  await ended;
  return (await running).signal === 'SIGKILL';
}

test.serial('cut off: killed at any moment, the same command goes on', async (t) => {
  await tenDone(t, 'install');
  await answers('alice.units');
  const main = join(NEXT, 'bin/ten');
  let count = 0;
  for (const moment of ['copy', 'link', 'restart']) {
    let name = '';
    do {
      name = `9.9.1${count}`;
      count += 1;
      await nextProgram(name);
    } while (!(await killedAt(moment, main, 'upgrade', name)));
    const { exitCode, stderr } = await run(main, ['upgrade']);
    t.is(exitCode, 0, stderr);
    await answers('alice.units');
    t.regex((await run(main, ['upgrade'])).stdout, /Nothing to do/);
    const { stdout } = await execa('readlink', ['-f', `/opt/tenement/current`]);
    t.is(stdout, `/opt/tenement/${name}`);
    t.deepEqual(
      readdirSync('/opt/tenement').filter((one) => one.startsWith('.')),
      [],
    );
  }
  t.true(readdirSync('/opt/tenement').length <= 3 + 2);
});

test.serial(
  'cut off: an upgrade killed at any moment costs no version, and a rollback has what ran before',
  async (t) => {
    const installed = '/usr/local/bin/ten';
    const [main, current] = [join(NEXT, 'bin/ten'), () => readlinkSync('/opt/tenement/current')];
    const done = async (program: string, ...args: string[]) => {
      const { exitCode, stdout, stderr } = await run(program, args);
      t.is(exitCode, 0, stderr);
      await answers('alice.units');
      return stdout + stderr;
    };
    await tenDone(t, 'install');
    await nextProgram('9.9.30');
    await done(main, 'upgrade');
    let count = 40;
    const cut = async (moment: string) => {
      let name = '';
      do {
        name = `9.9.${count}`;
        count += 1;
        // As it was: one that was done before it could be killed is taken back.
        while (current() !== '9.9.30') await done(installed, 'rollback');
        await nextProgram(name);
      } while (!(await killedAt(moment, main, 'upgrade', name)));
      return name;
    };
    for (const moment of ['copy', 'copy', 'copy', 'link', 'restart']) {
      const name = await cut(moment);
      const pid = await mainPid(SERVER);
      t.regex(await done(installed, 'rollback'), new RegExp(`the upgrade to ${name} was cut off`));
      if (moment === 'copy') t.is(await mainPid(SERVER), pid);
      t.is(current(), '9.9.30');
      for (const one of [version, '9.9.30']) t.true(existsSync(`/opt/tenement/${one}`), one);
    }
    for (const moment of ['copy', 'copy', 'copy']) {
      await cut(moment);
      t.notRegex(await done(installed, 'install'), /\(program\)|restart/);
    }
    await done(installed, 'rollback');
    t.is(current(), version);
    for (const moment of ['link', 'restart']) {
      const to = current() === '9.9.30' ? version : '9.9.30';
      if (await killedAt(moment, `/opt/tenement/${current()}/bin/ten`, 'rollback', to))
        await done(installed, 'rollback');
      t.is(current(), to, moment);
      await answers('alice.units');
    }
  },
);
