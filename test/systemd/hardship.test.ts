/** Installations on a machine that does not make it easy: killed, without space, beside each other, with odd names. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { version } from '../../src/base/package-root.js';
import { cleanEnv, TEN } from '../helpers/example-server.js';
import {
  APP,
  answers,
  changedSince,
  listing,
  PORT,
  pidOf,
  prepareApp,
  removeInstallation,
  run,
  SERVER,
  service,
  ten,
  tenDone,
} from './installed.js';
import { NEXT, nextProgram } from './next-program.js';
import { mainPid } from './units.js';

const SYSTEMD = Number((await execa('systemctl', ['--version'])).stdout.split(' ')[1]);
/** With quotes only where systemd can show such a directory (isolation/unit/showable.ts). */
const ODD = SYSTEMD < 255 ? '/srv/an app\'s $HOME, 100% "odd"' : '/srv/an $HOME, 100% odd';
const SERVICES = `[instances]\nunits = ["alice"]\n\n${service('units', 'systemd')}`;

/** What `--dry-run` or a run has told, one act a line. */
const acts = (told: string): string[] =>
  told
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(' '))
    // The server takes most of them with it when it is stopped.
    .filter((line) => !line.startsWith('remove users of instances'))
    .map((line) => line.replace(/^replace/, 'write'));

test.beforeEach(() => {
  rmSync(APP, { recursive: true, force: true });
  prepareApp(SERVICES);
});
test.afterEach.always(async () => {
  await removeInstallation();
  for (const path of [NEXT, ODD]) rmSync(path, { recursive: true, force: true });
});

test.serial('hardship: a dry run tells every act of the run, and no other', async (t) => {
  const same = async (...command: string[]) => {
    const dry = await tenDone(t, ...command, '--dry-run');
    t.deepEqual(acts(await tenDone(t, ...command)), acts(dry));
  };
  await same('install', '--domain', 'example.com', '--caddy');
  await same('install', '--port', '9000');
  await nextProgram('9.9.1');
  const upgrade = (...more: string[]) => run(join(NEXT, 'bin/ten'), ['upgrade', ...more]);
  const dry = await upgrade('--dry-run');
  t.deepEqual(acts((await upgrade()).stdout), acts(dry.stdout));
  await same('uninstall');
});

test.serial(
  'hardship: a full disk is told, changes nothing that runs, and leaves nothing half',
  async (t) => {
    await tenDone(t, 'install');
    await answers('alice.units');
    const pid = await mainPid(SERVER);
    await nextProgram('9.9.2');
    const outside = await listing();
    // The program as it is, and no room for another.
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/mnt']);
    t.teardown(() => execa('umount', ['/mnt'], { reject: false }));
    await execa('mount', ['-t', 'overlay', 'overlay', '-o', overlayOn('/opt', '/mnt'), '/opt']);
    t.teardown(() => execa('umount', ['/opt'], { reject: false }));
    const { exitCode, stderr } = await run(join(NEXT, 'bin/ten'), ['upgrade']);
    t.is(exitCode, 1);
    t.regex(stderr, /Cannot copy this program to \/opt[^\n]*\n(.*\n)*because: .*(ENOSPC|no space)/);
    t.is(await mainPid(SERVER), pid);
    t.is(readlinkSync('/opt/tenement/current'), version);
    t.deepEqual(
      readdirSync('/opt/tenement')
        .filter((name) => name !== version)
        .sort(),
      ['current', 'install.json'],
    );
    await execa('umount', ['/opt']);
    t.deepEqual(await changedSince(outside), []);
    await answers('alice.units');
  },
);

function overlayOn(lower: string, on: string): string {
  for (const name of ['upper', 'work']) mkdirSync(join(on, name));
  return `lowerdir=${lower},upperdir=${join(on, 'upper')},workdir=${join(on, 'work')}`;
}

test.serial('hardship: where /opt is read-only nothing is begun', async (t) => {
  const before = await listing();
  await execa('mount', ['--bind', '/opt', '/opt']);
  t.teardown(() => execa('umount', ['/opt'], { reject: false }));
  await execa('mount', ['-o', 'remount,ro,bind', '/opt']);
  const { exitCode, stderr } = await ten('install');
  t.is(exitCode, 1);
  t.regex(stderr, /\/opt\/tenement.*\nbecause: EROFS.*\ntry: /s);
  await execa('umount', ['/opt']);
  t.deepEqual(await changedSince(before), []);
});

test.serial(
  'hardship: two installations at the same time: one waits for nobody, and the other is refused',
  async (t) => {
    const both = await Promise.all([ten('install'), ten('install')]);
    const [winner, loser] = both.sort((a, b) => Number(a.exitCode) - Number(b.exitCode));
    t.is(winner?.exitCode, 0, winner?.stderr);
    // Or it came when the first was done.
    if (loser?.exitCode !== 0) t.regex(loser?.stderr ?? '', /Another installation is at work/);
    await answers('alice.units');
    t.regex(await tenDone(t, 'install'), /Nothing to do/);
    t.false(existsSync('/run/tenement-install.lock'));
  },
);

test.serial(
  'hardship: a port that is taken is told with who has it, and the next run knows what was asked for',
  async (t) => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(PORT, '127.0.0.1', resolve));
    const free = () => new Promise((resolve) => other.close(resolve));
    t.teardown(free);
    const failed = await ten('install', '--domain', 'example.com', '--caddy');
    t.is(failed.exitCode, 1);
    t.regex(failed.stderr, new RegExp(`127\\.0\\.0\\.1:${PORT} is taken by .*\\(pid ${process.pid}\\)`));
    t.regex(failed.stderr, /ss -ltnp/);
    await free();
    const next = await run(TEN[0], [TEN[1], 'install'], '/');
    t.is(next.exitCode, 0, next.stderr);
    t.regex(readFileSync('/etc/systemd/system/tenement.service', 'utf8'), /--domain example\.com/);
    t.regex(next.stderr, /next: .*https:\/\/example\.com/);
    t.regex(
      (await run(TEN[0], [TEN[1], 'caddy'], '/')).stdout,
      /^alice\.units\.example\.com|example\.com, /m,
    );
  },
);

test.serial('hardship: an app in a directory with an odd name, whose paths are relative', async (t) => {
  mkdirSync(join(ODD, 'code'), { recursive: true });
  mkdirSync(join(ODD, 'shared'));
  copyFileSync(join(APP, 'app.mjs'), join(ODD, 'code/app.mjs'));
  writeFileSync(join(ODD, 'secrets.env'), 'TOKEN=1\n', { mode: 0o600 });
  const text = ['process', 'systemd', 'namespace'].map((isolation) =>
    service(`by-${isolation}`, isolation).replace(
      'user =',
      'workdir = "code"\nenv_file = "secrets.env"\nread_only_paths = ["shared"]\nuser =',
    ),
  );
  const data = 'our data';
  const names = ['process', 'systemd', 'namespace'].map((one) => `by-${one} = ["alice"]`);
  writeFileSync(
    join(ODD, 'tenement.toml'),
    `[settings]\ndata_dir = "${data}"\n[instances]\n${names.join('\n')}\n${text.join('\n')}`,
    { mode: 0o644 },
  );
  const before = await listing();
  const { exitCode, stderr } = await execa(TEN[0], [TEN[1], 'install'], {
    cwd: ODD,
    env: cleanEnv(),
    extendEnv: false,
    reject: false,
  });
  t.is(exitCode, 0, stderr);
  for (const one of ['process', 'systemd', 'namespace']) await answers(`alice.by-${one}`);
  t.regex(await tenDone(t, 'install'), /Nothing to do/);
  t.true(existsSync(join(ODD, data, '.tenement')));
  await tenDone(t, 'uninstall', '--purge', '--yes');
  t.deepEqual(await changedSince(before), []);
});

test.serial('hardship: the installed program takes itself away', async (t) => {
  const before = await listing();
  await tenDone(t, 'install');
  await answers('alice.units');
  const { exitCode, stderr } = await run('/usr/local/bin/ten', ['uninstall', '--purge', '--yes']);
  t.is(exitCode, 0, stderr);
  t.deepEqual(await changedSince(before), []);
});

test.serial('hardship: data on a volume of its own is emptied, and the volume stays', async (t) => {
  mkdirSync('/var/lib/tenement');
  await execa('mount', ['-t', 'tmpfs', '-o', 'mode=711', 'tmpfs', '/var/lib/tenement']);
  t.teardown(async () => {
    await execa('umount', ['/var/lib/tenement'], { reject: false });
    rmSync('/var/lib/tenement', { recursive: true, force: true });
  });
  await tenDone(t, 'install');
  await answers('alice.units');
  await tenDone(t, 'uninstall', '--purge', '--yes');
  t.deepEqual(readdirSync('/var/lib/tenement'), []);
  t.false(existsSync('/opt/tenement'));
});

test.serial(
  'hardship: a version that does not start leaves nothing, and one that was stopped is there again',
  async (t) => {
    await tenDone(t, 'install');
    const app = await answers('alice.units').then(() => pidOf('alice.units'));
    await nextProgram('9.9.3');
    writeFileSync(
      join(NEXT, 'dist/src/daemon.js'),
      "export function serve() { throw new Error('broken'); }\n",
    );
    const outside = await listing();
    t.is((await run(join(NEXT, 'bin/ten'), ['upgrade'])).exitCode, 1);
    t.deepEqual(
      (await changedSince(outside)).filter((line) => !line.includes(' /var/lib/tenement')),
      [],
    );
    t.is(await pidOf('alice.units'), app);
    t.regex(await tenDone(t, 'install'), /Nothing to do/);
  },
);
