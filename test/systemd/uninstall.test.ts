/** `ten uninstall` on a machine where systemd still listens for instances: they outlive the server, but not the installation. */
import { request } from 'node:http';
import test from 'ava';
import { execa } from 'execa';
import {
  answers,
  changedSince,
  listing,
  pidOf,
  prepareApp,
  removeInstallation,
  rules,
  service,
  tenDone,
} from './installed.js';
import { mainPid } from './units.js';

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

function connect(socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ socketPath, headers: { connection: 'close' } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}
