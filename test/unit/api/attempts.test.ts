import test from 'ava';
import { BadAttempts } from '../../../src/api/attempts.js';

test('twenty a minute are free, then the wait is told', (t) => {
  const attempts = new BadAttempts();
  for (let i = 0; i < 20; i += 1) t.is(attempts.record('192.0.2.1', 1000), undefined);
  t.is(attempts.record('192.0.2.1', 31_000), 30);
  t.is(attempts.record('192.0.2.2', 31_000), undefined, 'others are not affected');
  t.is(attempts.record('192.0.2.1', 61_000), undefined, 'a minute later it begins anew');
});

test('all addresses of one IPv6 subscriber count as one, however they are written', (t) => {
  const attempts = new BadAttempts();
  for (let i = 0; i < 20; i += 1) attempts.record(`2001:db8:0:7::${i.toString(16)}`, 0);
  t.not(attempts.record('2001:0DB8:0000:0007:ffff:1:2:3', 0), undefined);
  t.is(attempts.record('2001:db8:0:8::1', 0), undefined);
  for (let i = 0; i < 20; i += 1) attempts.record('::ffff:192.0.2.9', 0);
  t.not(attempts.record('192.0.2.9', 0), undefined);
});

test('countless addresses do not fill the memory', (t) => {
  const attempts = new BadAttempts();
  for (let i = 0; i < 50_000; i += 1) attempts.record(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, i);
  t.is(attempts.size, 10_000);
});
