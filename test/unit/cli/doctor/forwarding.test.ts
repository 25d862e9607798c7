import test from 'ava';
import { droppingChains } from '../../../../src/cli/doctor/forwarding.js';

const chain = (name: string, hook?: string, policy?: string) => ({
  chain: { family: 'ip', table: 'filter', name, ...(hook && { hook, policy }) },
});
const rule = (table: string, match: string) => ({
  rule: { family: 'ip', table, chain: 'FORWARD', expr: [{ match: { right: match } }] },
});
const listing = (...nftables: object[]): string =>
  JSON.stringify({ nftables: [{ metainfo: { version: '1.0.6' } }, ...nftables] });

test('chains that drop what is forwarded, and no others', (t) => {
  const all = listing(
    chain('FORWARD', 'forward', 'drop'),
    chain('INPUT', 'input', 'drop'),
    chain('DOCKER-USER'),
    rule('filter', 'docker0'),
  );
  t.deepEqual(droppingChains(all), ['ip filter FORWARD']);
  t.deepEqual(droppingChains(listing(chain('FORWARD', 'forward', 'accept'))), []);
  t.deepEqual(droppingChains(listing()), []);
});

test('not where somebody has let the instances through, in the same table', (t) => {
  const dropping = chain('FORWARD', 'forward', 'drop');
  t.deepEqual(droppingChains(listing(dropping, rule('filter', 'tnmt-*'))), []);
  t.deepEqual(droppingChains(listing(dropping, rule('tenement_egress_1', 'tnmt-*'))), ['ip filter FORWARD']);
});
