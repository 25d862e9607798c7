import test from 'ava';
import type { Health, State } from '../../../src/supervisor/control.js';
import { healthOf, viewOf } from '../../../src/supervisor/views.js';
import { InstanceWorld } from '../../helpers/instance-world.js';

const words: [State, Health][] = [
  ['stopped', 'sleeping'],
  ['frozen', 'sleeping'],
  ['stopping', 'sleeping'],
  ['starting', 'starting'],
  ['ready', 'degraded'],
  ['draining', 'degraded'],
  ['backoff', 'unhealthy'],
  ['failed', 'failed'],
];
for (const [state, word] of words) {
  test(`${state} is shown as ${word}`, (t) => t.is(healthOf(state, 'degraded'), word));
}

const row = {
  key: { service: 'notes', id: 'alice' },
  want: 'on-demand',
  weight: 100,
  backend: 'process',
  configured: true,
  memoryBytes: undefined,
  cpuSecs: undefined,
  storageUsedBytes: undefined,
  storageQuotaBytes: undefined,
} as const;

test('one without a live object sleeps', (t) => {
  const view = viewOf({ ...row, live: undefined });
  t.like(view, {
    state: 'stopped',
    health: 'sleeping',
    address: undefined,
    pid: undefined,
    inFlight: 0,
    restarts: 0,
  });
});

test('one that runs: address, pid, uptime and idle time in whole seconds, open requests', async (t) => {
  const world = new InstanceWorld();
  const { handle, lease } = await world.awake();
  await world.clock.advanceAsync(90_500);
  const show = () => viewOf({ ...row, live: world.instance });
  t.like(show(), { address: '127.0.0.1:1', pid: handle.ref.pid, uptimeSecs: 90, idleSecs: 0, inFlight: 1 });
  lease.release();
  await world.clock.advanceAsync(1500);
  t.like(show(), { uptimeSecs: 92, idleSecs: 1, inFlight: 0 });
});
