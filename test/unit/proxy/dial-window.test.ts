import test from 'ava';
import { DialWindow } from '../../../src/proxy/dial-window.js';
import { FakeClock } from '../../helpers/fake-clock.js';

/** Dials until it has to wait; returns how many were dialled. */
function fill(window: DialWindow, now: number, most = 1000): number {
  let dialled = 0;
  while (dialled < most && window.waitMs(now) === 0) {
    window.dialled(now);
    dialled += 1;
  }
  return dialled;
}

test('a rush gets four connections, and one more each 15 ms', (t) => {
  const window = new DialWindow();
  const clock = new FakeClock();
  t.is(fill(window, clock.monotonic()), 4);
  t.is(window.waitMs(clock.monotonic()), 15);
  clock.advance(14);
  t.is(fill(window, clock.monotonic()), 0);
  for (let i = 0; i < 20; i += 1) {
    clock.advance(i === 0 ? 1 : 15);
    t.is(fill(window, clock.monotonic()), 1);
  }
});

test('an app that may be a serial one gets one for each answer, never more at a time', (t) => {
  const window = new DialWindow();
  const clock = new FakeClock();
  fill(window, clock.monotonic());
  for (let i = 0; i < 100; i += 1) {
    clock.advance(10);
    window.answered(false);
    t.is(fill(window, clock.monotonic()), 1);
  }
});

test('each answer of a concurrent app makes room for three', (t) => {
  const window = new DialWindow();
  fill(window, 0);
  for (let i = 0; i < 10; i += 1) {
    window.answered(true);
    t.is(fill(window, 0), 3);
  }
});

test('a connection that ends without an answer makes room', (t) => {
  const window = new DialWindow();
  fill(window, 0);
  window.ended();
  t.is(fill(window, 0), 1);
});

test('long polls fill it: who comes alone does not wait', (t) => {
  const window = new DialWindow();
  fill(window, 0);
  t.is(window.waitMs(1000), 0);
  window.dialled(1000);
  t.is(window.waitMs(1001), 14);
});

test('after many answers there is no limit', (t) => {
  const window = new DialWindow();
  for (let i = 0; i < 256; i += 1) {
    window.dialled(0);
    window.answered(false);
  }
  t.is(fill(window, 0), 1000);
});
