import test from 'ava';
import { silentLog } from '../../../src/base/log.js';
import { evictSquatters, type Runner, worstSquatter } from '../../../src/supervisor/squatters.js';

const RANGE = [100, 109] as const;
const runner = (id: string, uid: number, port: number, exclusive = true): Runner => ({
  key: { service: 'app', id },
  ref: { uid, exclusive, address: { host: '127.0.0.1', port } },
});
const listens = (uid: number, ...ports: number[]) => ports.map((port) => ({ uid, port }));

test('the one with most ports of the range that are not its own', (t) => {
  const runners = [runner('good', 1, 100), runner('two', 2, 101), runner('bad', 3, 102)];
  const listening = [...listens(1, 100), ...listens(2, 101, 103), ...listens(3, 102, 104, 105, 105, 105)];
  t.deepEqual(worstSquatter(RANGE, runners, listening), { key: { service: 'app', id: 'bad' }, ports: 2 });
});

test('its own port, ports outside of the range, strangers and shared uids are no reason', (t) => {
  const listening = [...listens(1, 100, 99, 110, 8080), ...listens(0, 101, 102), ...listens(33, 103, 104)];
  t.is(
    worstSquatter(RANGE, [runner('good', 1, 100), runner('shared', 33, 105, false)], listening),
    undefined,
  );
  for (const port of [{ forwardTo: 100 }, { forwardToHost: 100 }]) {
    const standing: Runner = {
      key: { service: 'app', id: 'socket' },
      ref: { uid: 1, exclusive: true, address: { path: '/s' }, ...port },
    };
    t.is(worstSquatter(RANGE, [standing], listening), undefined);
  }
});

test('one is held with each call, until nobody is left', async (t) => {
  const running = [runner('a', 1, 100), runner('b', 2, 101)];
  const held: string[] = [];
  const makeRoom = evictSquatters({
    running: () => running,
    listening: async () => [...listens(1, 102), ...listens(2, 103, 104)],
    hold: async ({ id }, why) => {
      t.is(why.code, 'held');
      held.push(`${id}: ${why.message}`);
      running.splice(
        running.findIndex(({ key }) => key.id === id),
        1,
      );
    },
    log: silentLog,
  });
  t.deepEqual([await makeRoom(RANGE), await makeRoom(RANGE), await makeRoom(RANGE)], [true, true, false]);
  t.regex(held[0] ?? '', /^b: stopped and held: it listened on 2 ports of port_range \(100 to 109\)/);
  t.regex(held[1] ?? '', /^a: .* 1 port /);
});

test('what cannot be held makes no room', async (t) => {
  const makeRoom = evictSquatters({
    running: () => [runner('a', 1, 100)],
    listening: async () => listens(1, 102),
    hold: async () => {
      throw new Error('not today');
    },
    log: silentLog,
  });
  t.false(await makeRoom(RANGE));
});
