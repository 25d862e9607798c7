import test from 'ava';
import type { Address, Exit, Handle } from '../../../isolation/contract.js';
import { stillborn } from '../../../src/supervisor/exits.js';

const one: Exit = { code: 1, signal: null, oom: false, at: 0, unknown: false };
const port: Address = { host: '127.0.0.1', port: 30_123 };

/** A handle on whose address `owner` listens, and how often that was asked. */
function on(owner: 'own' | 'stranger' | 'none', address = port) {
  const asked = { times: 0 };
  const listener: Handle['listener'] = async () => {
    asked.times += 1;
    return owner;
  };
  return { address, listener, asked };
}

test('one that gave up while another program has its port is told so, with the port', async (t) => {
  const error = await stillborn('app:alice', on('stranger'), one);
  t.is(error.code, 'port_taken');
  t.is(
    error.message,
    'app:alice exited with code 1 before it was ready, and another program listens on port 30123, which was given to it',
  );
});

for (const owner of ['own', 'none'] as const) {
  test(`${owner} on its port: it failed by itself`, async (t) => {
    const error = await stillborn('app:alice', on(owner), one);
    t.is(error.code, 'start_failed');
    t.is(error.message, 'app:alice exited with code 1 before it was ready');
  });
}

const others: [string, Partial<Exit>][] = [
  ['a clean end', { code: 0 }],
  ['a signal', { code: null, signal: 'SIGKILL' }],
  ['the lack of memory', { oom: true }],
  ['an end of which nothing is known', { code: null, unknown: true }],
];
for (const [title, exit] of others) {
  test(`${title} is not for the port: nobody is asked`, async (t) => {
    const handle = on('stranger');
    t.is((await stillborn('app:alice', handle, { ...one, ...exit })).code, 'start_failed');
    t.is(handle.asked.times, 0);
  });
}

test('one with a socket of its own met nobody there', async (t) => {
  const handle = on('stranger', { path: '/run/x/s' });
  t.is((await stillborn('app:alice', handle, one)).code, 'start_failed');
  t.is(handle.asked.times, 0);
});

test('where the owner cannot be told nobody is accused', async (t) => {
  t.is((await stillborn('app:alice', { address: port }, one)).code, 'start_failed');
  const broken = { address: port, listener: () => Promise.reject(new Error('no /proc')) };
  t.is((await stillborn('app:alice', broken, one)).code, 'start_failed');
});
