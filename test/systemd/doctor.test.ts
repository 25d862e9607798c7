/** `ten doctor` where everything works. */
import test from 'ava';
import { prepareApp, removeInstallation, service, ten, tenDone } from './installed.js';
import { units } from './units.js';

test.afterEach.always(removeInstallation);

test.serial('doctor measures what a socket starts as every other way, and leaves nothing', async (t) => {
  const socket = (name: string, lines: string) =>
    service(name, 'socket-activation').replace('user =', `${lines}\nuser =`);
  prepareApp(
    [
      socket('fd-host', 'listen = "fd"'),
      socket('port-none', 'network = "none"'),
      service('units', 'systemd'),
    ].join('\n'),
  );
  await tenDone(t, 'install');
  const { exitCode, stdout, stderr } = await ten(
    'doctor',
    '--json',
    '--config',
    '/etc/tenement/tenement.toml',
  );
  const { checks, ways } = JSON.parse(stdout);
  const failed = checks.filter(({ status }: { status: string }) => status === 'fail');
  t.deepEqual(failed, [], stderr);
  t.is(exitCode, 0);
  for (const network of ['host', 'none']) {
    const way = ways.find(({ name }: { name: string }) => name === `socket-activation, network ${network}`);
    t.truthy(way);
    t.is(way.error, undefined);
  }
  for (const [name, network] of [
    ['fd-host', 'host'],
    ['port-none', 'none'],
  ]) {
    const check = checks.find((one: { name: string }) => one.name === `service ${name}`);
    t.is(check.found, `socket-activation, network ${network} keeps what it promises`);
  }
  t.deepEqual(
    (await units('probe')).filter((unit) => !unit.endsWith('.slice')),
    [],
  );
});
