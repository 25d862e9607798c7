import test from 'ava';
import { inheritedSockets } from '../../../systemd/listen-fds.js';

test('sockets begin at 3 and have their names', (t) => {
  const env = { LISTEN_PID: '42', LISTEN_FDS: '2', LISTEN_FDNAMES: 'http:https' };
  t.deepEqual(inheritedSockets(env, 42), [
    { fd: 3, name: 'http' },
    { fd: 4, name: 'https' },
  ]);
});

test('missing names are unknown', (t) => {
  t.deepEqual(inheritedSockets({ LISTEN_PID: '42', LISTEN_FDS: '1' }, 42), [{ fd: 3, name: 'unknown' }]);
  const some = { LISTEN_PID: '42', LISTEN_FDS: '3', LISTEN_FDNAMES: 'a::c' };
  t.deepEqual(
    inheritedSockets(some, 42).map(({ name }) => name),
    ['a', 'unknown', 'c'],
  );
});

for (const [what, env] of [
  ['for another process', { LISTEN_PID: '41', LISTEN_FDS: '1' }],
  ['without a pid', { LISTEN_FDS: '1' }],
  ['none', {}],
  ['zero', { LISTEN_PID: '42', LISTEN_FDS: '0' }],
  ['negative', { LISTEN_PID: '42', LISTEN_FDS: '-1' }],
  ['no number', { LISTEN_PID: '42', LISTEN_FDS: '1x' }],
  ['absurdly many', { LISTEN_PID: '42', LISTEN_FDS: '5000' }],
] as const) {
  test(`no sockets: ${what}`, (t) => t.deepEqual(inheritedSockets(env, 42), []));
}
