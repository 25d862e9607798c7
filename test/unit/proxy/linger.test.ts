import test from 'ava';
import { Linger } from '../../../src/proxy/linger.js';

test('nothing is left to send: some seconds, and at the end of the server one', (t) => {
  t.false(new Linger().isOver(0, 4900, 4900, false));
  t.true(new Linger().isOver(0, 5100, 5100, false));
  t.false(new Linger().isOver(0, 900, 900, true));
  t.true(new Linger().isOver(0, 1100, 1100, true));
});

test('as long as some of the answer goes out it is not over, and then it begins anew', (t) => {
  const linger = new Linger();
  for (let at = 0; at < 300_000; at += 50_000) t.false(linger.isOver(1_000_000 - at, at, at, true));
  t.false(linger.isOver(0, 310_000, 310_000, false));
  t.false(linger.isOver(0, 314_000, 314_000, false));
  t.true(linger.isOver(0, 316_000, 316_000, false));
});

test('a client that reads nothing for a minute is cut off', (t) => {
  const linger = new Linger();
  t.false(linger.isOver(1000, 500, 500, false));
  t.false(linger.isOver(1000, 60_000, 60_000, false));
  t.true(linger.isOver(1000, 60_600, 60_600, false));
});
