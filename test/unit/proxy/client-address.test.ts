import test from 'ava';
import { isLoopback, plainAddress, TrustedProxies } from '../../../src/proxy/client-address.js';

test('an IPv4 peer of a dual-stack socket is an IPv4 peer', (t) => {
  t.is(plainAddress('::ffff:10.0.0.1'), '10.0.0.1');
  t.is(plainAddress('::1'), '::1');
  t.is(plainAddress(undefined), '');
});

test('loopback', (t) => {
  for (const yes of ['127.0.0.1', '127.9.9.9', '::1']) t.true(isLoopback(yes));
  for (const no of ['128.0.0.1', '', '::2', '127.0.0.1.example.com']) t.false(isLoopback(no));
});

test('trusted proxies by address and range, in both families', (t) => {
  const trusted = new TrustedProxies();
  const list = ['10.0.0.0/8', '192.0.2.1', '2001:db8::/32', 'nonsense', '1.1.1.1/99'];
  for (const yes of ['10.1.2.3', '192.0.2.1', '2001:db8::9']) t.true(trusted.includes(yes, list));
  for (const no of ['11.0.0.1', '192.0.2.2', '2001:db9::1', '', '1.1.1.1'])
    t.false(trusted.includes(no, list));
  t.false(trusted.includes('10.1.2.3', []));
  t.true(trusted.includes('11.0.0.1', ['11.0.0.0/8']), 'a reload changes the list');
});
