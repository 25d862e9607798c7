import { execFileSync } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import test from 'ava';
import { doorProperties } from '../../../../isolation/unit/door.js';
import { fingerprint } from '../../../../isolation/unit/plan.js';
import {
  appProperties,
  socketPath,
  socketProperties,
  socketUnits,
} from '../../../../isolation/unit/socket-units.js';
import type { Property } from '../../../../systemd/manager.js';

const name = { service: 'my-notes', tenant: 'alice' };
const map = (properties: readonly Property[]) => new Map(properties.map(([key, , value]) => [key, value]));

test('an app that takes sockets is started by its own; one that knows a port by what passes connections on', (t) => {
  const app = 'tenement-my\\x2dnotes-alice.service';
  const base = 'tenement-my\\x2dnotes-alice';
  t.deepEqual(socketUnits(name, false), { app, socket: `${base}.socket`, door: undefined });
  t.deepEqual(socketUnits(name, true), { app, socket: `${base}-door.socket`, door: `${base}-door.service` });
});

test('only root gets at the socket', (t) => {
  const all = map(socketProperties(name, socketPath(name)));
  t.is(all.get('SocketMode'), 0o600);
  t.deepEqual(all.get('Listen'), [['Stream', '/run/tenement/sockets/my-notes:alice']]);
});

test('what passes connections on needs the app, is in its network, and ends after its idle time', (t) => {
  const units = socketUnits(name, true);
  const none = map(doorProperties(name, units, 'none', 8080, { idleMs: 61_500 }));
  t.deepEqual(none.get('BindsTo'), [units.app]);
  t.deepEqual(none.get('JoinsNamespaceOf'), [units.app]);
  t.regex(JSON.stringify(none.get('ExecStart')), /--exit-idle-time=61500000us","127\.0\.0\.1:8080/);
  const host = map(doorProperties(name, units, 'host', 30_001, { idleMs: 0 }));
  t.false(host.has('PrivateNetwork'));
  t.notRegex(JSON.stringify(host.get('ExecStart')), /idle/);
});

test('an app that takes sockets waits for nobody; nobody refers to it but its socket', (t) => {
  const own: Property[] = [['AddRef', 'b', true]];
  t.deepEqual([...map(appProperties(own, undefined, 7)).keys()], ['StartLimitIntervalUSec', 'ExecStopPost']);
  t.true(map(appProperties(own, 8080, 7)).get('StopWhenUnneeded'));
});

test('the gate ends when the app listens on the port, and not a stranger; and when the app has ended', async (t) => {
  if (process.platform !== 'linux') return t.pass('needs /proc');
  const gate = (port: number, uid: number, pid: number, timeout = 20_000) => {
    const properties = map(appProperties([], port, uid));
    const [[file, argv]] = properties.get('ExecStartPost') as [[string, string[]]];
    const env = { PATH: '/usr/bin:/bin', MAINPID: String(pid) };
    return execFileSync(file, argv.slice(1), { env, timeout });
  };
  const self = process.geteuid?.() ?? 0;
  for (const host of ['127.0.0.1', '0.0.0.0', '::']) {
    const server = createServer();
    t.teardown(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const { port } = server.address() as AddressInfo;
    t.notThrows(() => gate(port, self, process.pid), host);
    t.throws(() => gate(port, self + 1, process.pid, 500), { code: 'ETIMEDOUT' }, host);
    t.notThrows(() => gate(port, self + 1, 2 ** 22 + 1), host);
  }
});

test('one that is listened for elsewhere is not reached through the door', async (t) => {
  if (process.platform !== 'linux') return t.pass('needs /proc');
  const server = createServer();
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.2', resolve));
  const { port } = server.address() as AddressInfo;
  const [[file, argv]] = map(appProperties([], port, process.geteuid?.() ?? 0)).get('ExecStartPost') as [
    [string, string[]],
  ];
  const env = { PATH: '/usr/bin:/bin', MAINPID: String(process.pid) };
  t.throws(() => execFileSync(file, argv.slice(1), { env, timeout: 500 }), { code: 'ETIMEDOUT' });
});

test('a socket has a path that the kernel takes, whatever the names are', (t) => {
  const long = 'x'.repeat(63);
  t.is(socketPath({ service: 'notes', tenant: 'alice' }), '/run/tenement/sockets/notes:alice');
  const paths = [`${long}a`, `${long}b`].map((tenant) => socketPath({ service: long, tenant }));
  for (const path of paths) t.true(path.length <= 107);
  t.not(paths[0], paths[1]);
});

test('the marker of a run makes no difference, all else does', (t) => {
  const properties: Property[] = [['TasksMax', 't', 3n]];
  const print = fingerprint(properties, { A: '1', RUN: 'x' }, 'RUN');
  t.is(fingerprint(properties, { A: '1', RUN: 'y' }, 'RUN'), print);
  t.not(fingerprint(properties, { A: '2', RUN: 'x' }, 'RUN'), print);
  t.not(fingerprint([['TasksMax', 't', 4n]], { A: '1', RUN: 'x' }, 'RUN'), print);
});
