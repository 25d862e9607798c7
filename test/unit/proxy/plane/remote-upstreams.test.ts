import test from 'ava';
import type { FromWorker } from '../../../../src/proxy/plane/protocol.js';
import { RemoteUpstreams } from '../../../../src/proxy/plane/remote-upstreams.js';
import { FakeClock } from '../../../helpers/fake-clock.js';
import { planeConfig } from '../../../helpers/plane-fixture.js';

const TARGET = { kind: 'instance', service: 'app', id: 'a' } as const;
const stays = { signal: new AbortController().signal, hasBody: false };
const ADDRESS = { host: '127.0.0.1', port: 9 };

function world() {
  const clock = new FakeClock();
  const sent: FromWorker[] = [];
  let config = planeConfig();
  const retired: string[] = [];
  const upstreams = new RemoteUpstreams({
    send: (message) => sent.push(message),
    config: () => config,
    clock,
    onRetired: (instance) => retired.push(instance),
  });
  const grant = (id: number, number: number, instance = 'app:a') =>
    upstreams.receive({ type: 'grant', id, grant: number, instance, address: ADDRESS });
  return {
    clock,
    upstreams,
    grant,
    retired,
    reconfigure: (changes: Parameters<typeof planeConfig>[0]) => {
      config = planeConfig(changes);
    },
    take: () => sent.splice(0),
  };
}

test('a grant is returned 200 ms after its last request, with the exact time of that', async (t) => {
  const { clock, upstreams, grant, take } = world();
  const first = upstreams.acquire(TARGET, stays);
  t.deepEqual(take(), [{ type: 'acquire', id: 1, target: TARGET, hasBody: false }]);
  grant(1, 7);
  const lease = await first;
  clock.advance(5000);
  const second = await upstreams.acquire(TARGET, stays);
  lease.release();
  clock.advance(1000);
  t.deepEqual(take(), []);
  second.release();
  second.release();
  const ended = clock.monotonic();
  clock.advance(199);
  t.deepEqual(take(), []);
  clock.advance(60);
  t.deepEqual(take(), [{ type: 'return', grant: 7, idleSince: ended }]);
  t.is(clock.pending, 0);
});

test('use within the pause keeps it', async (t) => {
  const { clock, upstreams, grant, take } = world();
  const asked = upstreams.acquire(TARGET, stays);
  grant(1, 7);
  (await asked).release();
  take();
  for (let i = 0; i < 20; i += 1) {
    clock.advance(150);
    (await upstreams.acquire(TARGET, stays)).release();
  }
  t.deepEqual(take(), []);
});

test('a second grant for the same life of an instance goes back', async (t) => {
  const { upstreams, grant, take } = world();
  const both = [upstreams.acquire(TARGET, stays), upstreams.acquire(TARGET, stays)];
  grant(1, 7);
  grant(2, 8);
  await Promise.all(both);
  t.like(take().at(-1), { type: 'return', grant: 8 });
  t.deepEqual([...upstreams.inFlight()], [['app:a', 2]]);
});

test('a suspect ends the grant for new requests, is told once, and goes back when the others have ended', async (t) => {
  const { upstreams, grant, take } = world();
  const asked = upstreams.acquire(TARGET, stays);
  grant(1, 7);
  const one = await asked;
  const two = await upstreams.acquire(TARGET, stays);
  const three = await upstreams.acquire(TARGET, stays);
  take();
  one.suspect();
  two.suspect();
  t.true(three.retiring?.aborted);
  t.false(three.closing.aborted);
  t.deepEqual(take(), [{ type: 'suspect', grant: 7 }]);
  void upstreams.acquire(TARGET, stays);
  t.like(take()[0], { type: 'acquire' });
  three.release();
  t.like(take()[0], { type: 'return', grant: 7 });
});

test('the suspect of a lease that has ended is no news', async (t) => {
  const { upstreams, grant, take } = world();
  const asked = upstreams.acquire(TARGET, stays);
  grant(1, 7);
  const lease = await asked;
  lease.release();
  take();
  lease.suspect();
  t.deepEqual(take(), []);
});

test('suspect goes out before the return', async (t) => {
  const { upstreams, grant, take } = world();
  const asked = upstreams.acquire(TARGET, stays);
  grant(1, 7);
  const lease = await asked;
  take();
  lease.suspect();
  t.deepEqual(
    take().map(({ type }) => type),
    ['suspect', 'return'],
  );
});

test('whoever left before asking is not asked for', async (t) => {
  const { upstreams, take } = world();
  const signal = AbortSignal.abort();
  await t.throwsAsync(upstreams.acquire(TARGET, { signal, hasBody: false }));
  t.deepEqual(take(), []);
});

test('a service that a reload removed is unknown at once, also with a grant', async (t) => {
  const { upstreams, grant, reconfigure } = world();
  const asked = upstreams.acquire(TARGET, stays);
  grant(1, 7);
  await asked;
  reconfigure({ services: new Map() });
  await t.throwsAsync(upstreams.acquire(TARGET, stays), { message: /./ });
  t.is(upstreams.policy('app'), undefined);
});

test('the only instance of a service is believed for a second', async (t) => {
  const { clock, upstreams, grant, take } = world();
  const target = { kind: 'service', service: 'app' } as const;
  const asked = upstreams.acquire(target, stays);
  grant(1, 7);
  const hold = await asked;
  take();
  (await upstreams.acquire(target, stays)).release();
  t.deepEqual(take(), []);
  clock.advance(1001);
  void upstreams.acquire(target, stays);
  t.like(take()[0], { type: 'acquire' });
  hold.release();
});

test('a revoked instance is told, so that idle connections to it can be closed', async (t) => {
  const { upstreams, grant, retired } = world();
  const asked = upstreams.acquire(TARGET, stays);
  grant(1, 7);
  (await asked).release();
  upstreams.receive({ type: 'revoke', grant: 7 });
  upstreams.receive({ type: 'revoke', grant: 7 });
  t.deepEqual(retired, ['app:a']);
});

test('choices made ahead are dealt in order, until they are used up, too old or taken back', async (t) => {
  const { clock, upstreams, take } = world();
  const target = { kind: 'service', service: 'spread' } as const;
  const deal = async (id: number, number: number, instance: string, deck: string[]) => {
    const asked = upstreams.acquire(target, stays);
    upstreams.receive({ type: 'grant', id, grant: number, instance, address: ADDRESS, deck });
    return (await asked).instance;
  };
  t.is(await deal(1, 7, 'spread:x', ['y', 'x']), 'spread:x');
  // y is not granted yet, so that the main thread is asked again.
  t.is(upstreams.acquireNow(target, false), undefined);
  t.is(await deal(2, 8, 'spread:y', ['y', 'x', 'y', 'y', 'x', 'x', 'x']), 'spread:y');
  const next = () => upstreams.acquireNow(target, false)?.instance;
  t.deepEqual([next(), next(), next(), next()], ['spread:y', 'spread:x', 'spread:y', 'spread:y']);
  upstreams.receive({ type: 'redraw', service: 'spread' });
  t.is(next(), undefined);
  await deal(3, 9, 'spread:x', ['y', 'y']);
  clock.advance(200);
  t.is(next(), undefined);
  await deal(4, 10, 'spread:x', ['y']);
  t.deepEqual([next(), next()], ['spread:y', undefined]);
  take();
});

test('a lease without a wait, when there is a grant', async (t) => {
  const { upstreams, grant } = world();
  t.is(upstreams.acquireNow(TARGET, false), undefined);
  const asked = upstreams.acquire(TARGET, stays);
  grant(1, 7);
  await asked;
  t.is(upstreams.acquireNow(TARGET, true)?.instance, 'app:a');
  const error = t.throws(() => upstreams.acquireNow({ ...TARGET, service: 'nobody' }, false));
  t.like(error, { code: 'unknown_host' });
});
