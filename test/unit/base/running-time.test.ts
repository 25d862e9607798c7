import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { afterRunning } from '../../../src/base/running-time.js';

/** As on a machine that gives this process no processor. */
const standStill = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test('it comes, and not before its time', async (t) => {
  const began = performance.now();
  await new Promise<void>((resolve) => afterRunning(100, resolve));
  t.true(performance.now() - began >= 99);
});

test('time in which the process stood still does not bring it about', async (t) => {
  let late = false;
  const cancel = afterRunning(2000, () => {
    late = true;
  });
  standStill(2500);
  await turn();
  await turn();
  t.false(late);
  cancel();
});

test('what was cancelled does not come', async (t) => {
  const cancel = afterRunning(20, () => t.fail());
  await delay(5);
  cancel();
  await delay(60);
  t.pass();
});
