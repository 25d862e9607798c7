import test, { type ExecutionContext } from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { openDatabase } from '../../../src/state/database.js';
import { createEvents } from '../../../src/state/events.js';
import { openStore } from '../../../src/state/store.js';
import type { Registry } from '../../../src/state/types.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const alice = { service: 'notes', id: 'alice' };
const bob = { service: 'notes', id: 'bob' };

function registry(t: ExecutionContext): Registry {
  const store = openStore(freshDir(t));
  t.teardown(() => store.close());
  return store.registry;
}

test('registers once and keeps what was set', (t) => {
  const dataDir = freshDir(t);
  const store = openStore(dataDir);
  t.deepEqual(store.registry.register(alice, 5), {
    ...alice,
    want: 'on-demand',
    held: false,
    listed: false,
    weight: 100,
    env: {},
    createdAt: 5,
  });
  store.registry.update(alice, { want: 'up', env: { KEY: 'ünïcode "quoted"' } });
  store.registry.update(alice, { weight: 0, held: true, listed: true });
  t.is(store.registry.register(alice, 99).createdAt, 5, 'a second register changes nothing');
  store.close();

  const again = openStore(dataDir);
  t.teardown(() => again.close());
  t.deepEqual(again.registry.all(), [
    {
      ...alice,
      want: 'up',
      held: true,
      listed: true,
      weight: 0,
      env: { KEY: 'ünïcode "quoted"' },
      createdAt: 5,
    },
  ]);
  t.is(again.registry.get(bob), undefined);
});

test('weights change together or not at all', (t) => {
  const r = registry(t);
  r.register(alice, 1);
  r.register(bob, 1);
  t.throws(
    () =>
      r.setWeights([
        { key: alice, weight: 0 },
        { key: bob, weight: 101 },
      ]),
    { any: true },
  );
  t.deepEqual(
    r.all().map((row) => row.weight),
    [100, 100],
  );
  r.setWeights([
    { key: alice, weight: 0 },
    { key: bob, weight: 40 },
  ]);
  t.deepEqual(
    r.all().map((row) => row.weight),
    [0, 40],
  );
});

test('a run is a trace until its ref is known, and is gone once cleared or forgotten', (t) => {
  const r = registry(t);
  r.register(alice, 1);
  t.is(r.run(alice), undefined);
  r.saveTrace(alice, { run: 'r1', cgroup: undefined });
  t.deepEqual(r.run(alice), { trace: { run: 'r1', cgroup: undefined } });
  r.saveRef(alice, { version: 1, pid: 7 });
  t.deepEqual(r.run(alice), { ref: { version: 1, pid: 7 } });
  r.saveTrace(alice, { run: 'r2', cgroup: '/x' });
  t.deepEqual(r.run(alice), { trace: { run: 'r2', cgroup: '/x' } });
  r.clearRun(alice);
  t.is(r.run(alice), undefined);
  r.saveRef(alice, {});
  r.forget(alice);
  r.register(alice, 2);
  t.is(r.run(alice), undefined);
});

test('what an instance was started with stays when its run is cleared, and goes with the instance', (t) => {
  const r = registry(t);
  r.register(alice, 1);
  t.is(r.startedWith(alice), undefined);
  r.saveStartedWith(alice, { run: undefined, digests: { env: 'a' } });
  t.deepEqual(r.startedWith(alice), { run: undefined, digests: { env: 'a' } });
  r.saveStartedWith(alice, { run: 'r1', digests: { env: 'b' } });
  r.saveRef(alice, {});
  r.clearRun(alice);
  t.deepEqual(r.startedWith(alice), { run: 'r1', digests: { env: 'b' } });
  r.forget(alice);
  r.register(alice, 2);
  t.is(r.startedWith(alice), undefined);
});

test('a uid is given once, also after its instance was forgotten', (t) => {
  const r = registry(t);
  r.register(alice, 1);
  t.is(r.uidFor(alice, [10, 12]), 10);
  t.is(r.uidFor(alice, [10, 12]), 10);
  r.forget(alice);
  t.is(r.uidFor(bob, [10, 12]), 11);
  t.is(r.uidFor(alice, [10, 12]), 10, 'its files are still there, so it gets its own uid again');
});

test('two servers with the same wide range begin at different places of it, and use all of it', (t) => {
  const range = [1_900_000_000, 1_900_065_535] as const;
  const firsts = Array.from({ length: 4 }, () => registry(t).uidFor(alice, range));
  t.true(new Set(firsts).size > 1, firsts.join());
  t.true(firsts.every((uid) => uid >= range[0] && uid <= range[1]));
  const r = registry(t);
  const first = r.uidFor(alice, range);
  t.is(r.uidFor(bob, range), first === range[1] ? range[0] : first + 1);
  t.is(
    r.uidFor({ service: 's', id: 'end' }, [range[0], first + 1]),
    range[0],
    'what is before the first is given, too',
  );
});

test('released uids are given again only when the range is used up, the longest released first', (t) => {
  const r = registry(t);
  const uid = (id: string): number => r.uidFor({ service: 's', id }, [10, 12]);
  t.is(uid('a'), 10);
  t.is(uid('b'), 11);
  r.releaseUid({ service: 's', id: 'b' });
  r.releaseUid({ service: 's', id: 'a' });
  t.is(uid('a'), 12, 'a fresh one although two are released');
  t.is(uid('c'), 11);
  t.is(uid('d'), 10);
  const error = t.throws(() => uid('e'), { instanceOf: TenementError });
  t.is(error?.code, 'uids_exhausted');
  t.is(r.uidFor({ service: 's', id: 'e' }, [8, 12]), 8, 'a wider range has fresh ones');
});

test('events: newest first, bounded per instance and in all', (t) => {
  const db = openDatabase(freshDir(t), { readonly: false });
  t.teardown(() => db.close());
  const events = createEvents(db, { perInstance: 3, inAll: 5, checkEvery: 4 });
  const event = (at: number) => ({ at, from: 'ready', to: 'stopping', cause: `idle ${at}` });
  for (let at = 1; at <= 10; at += 1) events.addEvent(alice, event(at));
  t.deepEqual(events.events(alice, 2), [event(10), event(9)]);
  t.is(events.events(alice, 100).length, 3);
  for (let i = 0; i < 30; i += 1) events.addEvent({ service: 'notes', id: `gone${i}` }, event(i));
  const { n } = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM events').get() ?? { n: -1 };
  t.true(n >= 5 && n < 5 + 4, `${n} rows`);
});
