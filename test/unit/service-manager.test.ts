import test from 'ava';
import { priority, silentLog } from '../../src/base/log.js';
import { ServiceManager, statusLine } from '../../src/service-manager.js';
import type { Notifier } from '../../systemd/notify.js';
import { FakeClock } from '../helpers/fake-clock.js';

const COUNTS = { awake: 1, known: 2, inFlight: 0 };

function scene(env: NodeJS.ProcessEnv = {}) {
  const said: string[] = [];
  const notifier: Notifier = {
    ready: () => void said.push('ready'),
    status: (text) => void said.push(text),
    reloading: () => void said.push('reloading'),
    stopping: () => void said.push('stopping'),
    alive: () => void said.push('alive'),
  };
  const clock = new FakeClock();
  const manager = new ServiceManager({ env, pid: 1, clock, log: silentLog, notifier });
  /** Lets time pass, and what it has started end. */
  const pass = async (ms: number) => {
    clock.advance(ms);
    await new Promise(setImmediate);
  };
  return { said, clock, manager, pass };
}

test('it says that it is ready, with what runs, and what runs later', async (t) => {
  const { said, manager, pass } = scene();
  let awake = 1;
  manager.ready(
    () => ({ ...COUNTS, awake }),
    async () => true,
  );
  awake = 2;
  await pass(5000);
  manager.close();
  await pass(60_000);
  t.deepEqual(said, [
    '1 of 2 instances awake, 0 requests in flight',
    'ready',
    '2 of 2 instances awake, 0 requests in flight',
  ]);
});

test('alive is said six times within the time, and only while the server answers; or stops', async (t) => {
  const { said, manager, pass } = scene({
    NOTIFY_SOCKET: '/run/x',
    WATCHDOG_USEC: '12000000',
    WATCHDOG_PID: '1',
  });
  let answers = true;
  manager.ready(
    () => COUNTS,
    async () => answers,
  );
  const alive = () => said.filter((line) => line === 'alive').length;
  await pass(2000);
  await pass(2000);
  t.is(alive(), 2);
  answers = false;
  await pass(2000);
  t.is(alive(), 2);
  await manager.stopping();
  await pass(2000);
  t.is(alive(), 3);
});

test('nobody who is started later can speak for the server', (t) => {
  const env = {
    NOTIFY_SOCKET: '/run/x',
    TENEMENT_NOTIFY_FD: '9',
    WATCHDOG_USEC: '1',
    WATCHDOG_PID: '1',
    PATH: 'p',
  };
  scene(env);
  t.deepEqual(env as NodeJS.ProcessEnv, { PATH: 'p' });
});

test('a reload that fails ends, too', async (t) => {
  const { said, manager } = scene();
  await t.throwsAsync(
    manager.reloading(() => Promise.reject(new Error('broken'))),
    { message: 'broken' },
  );
  t.is(await manager.reloading(async () => 5), 5);
  t.deepEqual(said, ['reloading', 'ready', 'reloading', 'ready']);
});

test('without a unit, an end is never half of a restart', async (t) => {
  t.deepEqual(await scene().manager.stopping(), { restart: false });
});

test('the status in words', (t) => {
  t.is(statusLine({ awake: 1, known: 1, inFlight: 1 }), '1 of 1 instance awake, 1 request in flight');
});

test('levels of the log are priorities of the journal', (t) => {
  const of = (level: number) => priority(`{"level":${level},"time":"x"}`);
  t.deepEqual([20, 30, 40, 50, 60].map(of), [7, 6, 4, 3, 3]);
  t.is(priority('no JSON'), 6);
});
