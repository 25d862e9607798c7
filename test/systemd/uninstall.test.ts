/** `ten uninstall` on a machine where systemd still listens for instances: they outlive the server, but not the installation. */
import { existsSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import test from 'ava';
import { execa } from 'execa';
import { addUser } from '../../isolation/unit/user.js';
import {
  answers,
  changedSince,
  listing,
  pidOf,
  prepareApp,
  removeInstallation,
  rules,
  service,
  ten,
  tenDone,
} from './installed.js';
import { mainPid, property } from './units.js';

const SERVICES = [
  '[instances]\nunits = ["alice"]\ndoors = ["bob", "carol"]\ntaken = ["dave"]\nplain = ["eve"]\nspaces = ["frank"]\nboxes = ["grace"]\n',
  service('plain', 'process'),
  service('spaces', 'namespace'),
  service('boxes', 'sandbox'),
  service('units', 'systemd'),
  service('doors', 'socket-activation'),
  service('taken', 'socket-activation').replace('user =', 'listen = "fd"\nuser ='),
].join('\n');

test.before(() => prepareApp(SERVICES));
test.after.always(removeInstallation);

test.serial('uninstall: nothing is left of instances that run, whatever keeps them apart', async (t) => {
  const before = await listing();
  await tenDone(t, 'install');
  const running = ['alice.units', 'bob.doors', 'dave.taken', 'eve.plain', 'frank.spaces', 'grace.boxes'];
  const pids: number[] = [];
  for (const instance of running) {
    await answers(instance);
    pids.push(await pidOf(instance));
  }
  await tenDone(t, 'uninstall', '--purge', '--yes');
  t.deepEqual(await changedSince(before), []);
  t.is(await rules(), '');
  const { stdout } = await execa('ps', ['-eo', 'args']);
  t.deepEqual(
    stdout.split('\n').filter((line) => /app\.mjs|bin\/ten serve/.test(line)),
    [],
    String(pids),
  );
});

test.serial('uninstall: nothing is left of instances that run or are listened for', async (t) => {
  const before = await listing();
  await tenDone(t, 'install');
  for (const instance of ['alice.units', 'bob.doors', 'carol.doors', 'dave.taken']) await answers(instance);
  await execa('systemctl', ['stop', 'tenement.socket', 'tenement.service']);
  // Two run without a server, as somebody has connected to their sockets.
  for (const instance of ['bob', 'carol'])
    t.is(await connect(`/run/tenement/sockets/doors:${instance}`), 200);
  t.true((await mainPid('tenement-doors-bob.service')) > 0);
  t.regex(await rules(), /user_/);
  await execa('systemctl', ['stop', 'tenement-doors-carol.service']);

  await tenDone(t, 'uninstall', '--purge', '--yes');
  t.deepEqual(await changedSince(before), []);
  t.is(await rules(), '');
  const { stdout } = await execa('systemctl', ['list-units', '--all', '--plain', '--no-legend', 'tenement*']);
  t.deepEqual(
    stdout.split('\n').filter((line) => /tenement(\.|-units|-doors|-taken)/.test(line)),
    [],
  );
});

test.serial(
  'uninstall: what another server runs goes on, and what systemd has kept of settings goes with the data',
  async (t) => {
    const [user, other] = ['tenement-1960000001', 'tenement-other-zoe.service'];
    const records = [
      `/run/userdb/${user}.user`,
      '/run/userdb/1960000001.user',
      `/run/userdb/${user}.group`,
      '/run/userdb/1960000001.group',
    ];
    t.teardown(async () => {
      await execa('systemctl', ['stop', other], { reject: false });
      for (const path of records) rmSync(path, { force: true });
    });
    const before = await listing();
    await tenDone(t, 'install');
    await answers('alice.units');
    await answers('bob.doors');
    for (const unit of ['tenement-units-alice.service', 'tenement-doors-bob.service'])
      t.is(await property(unit, 'Documentation'), 'file:///var/lib/tenement', unit);
    await addUser({ uid: 1_960_000_001, gid: 1_960_000_001 });
    const marks = ['--property=Documentation=file:///srv/other', `--property=User=${user}`];
    await execa('systemd-run', [
      `--unit=${other}`,
      '--slice=tenement-other.slice',
      ...marks,
      'sleep',
      'infinity',
    ]);
    const pid = await mainPid(other);
    await execa('systemctl', ['set-property', 'tenement.service', 'CPUWeight=90']);
    t.regex(await tenDone(t, 'uninstall', '--purge', '--dry-run'), /system\.control\/tenement\.service\.d/);
    const { stdout, stderr, exitCode } = await ten('uninstall', '--purge', '--yes');
    t.is(exitCode, 0, stderr);
    t.notRegex(stdout, /stop tenement\.slice/);
    t.regex(stderr, /tenement-other-zoe\.service/);
    t.is(await mainPid(other), pid);
    t.true(existsSync(records[0] ?? ''));
    const left = await changedSince(before);
    t.deepEqual(
      left.filter((line) => !line.includes('1960000001') && !line.includes('tenement-other')),
      [],
    );
    const { stdout: units } = await execa('systemctl', [
      'list-units',
      '--plain',
      '--no-legend',
      'tenement-*.service',
      'tenement-*.socket',
    ]);
    t.deepEqual(
      units.split('\n').map((line) => line.split(' ')[0]),
      // The second runs these tests.
      [other, 'tenement-tests.service'],
    );
  },
);

function connect(socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ socketPath, headers: { connection: 'close' } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}
