import test from 'ava';
import type { Backend, BackendId, Host, Network } from '../../../isolation/contract.js';
import { type Asked, strongest } from '../../../isolation/strongest.js';

function choose(
  working: readonly BackendId[],
  network: Network,
  ownNetworks = true,
  listen: Asked['listen'] = 'port',
): ReturnType<typeof strongest> {
  const backend = (id: BackendId): Backend => ({
    id,
    probe: () =>
      working.includes(id)
        ? { supported: true }
        : { supported: false, code: 'isolation_unavailable', reason: 'no', remedy: 'none' },
    spawn: () => Promise.reject(new Error('not asked')),
    adopt: () => Promise.reject(new Error('not asked')),
  });
  const ids: BackendId[] = ['process', 'namespace', 'sandbox', 'systemd'];
  const host: Host = {
    platform: 'linux',
    root: true,
    cgroupRoot: undefined,
    controllers: [],
    bootId: '',
    tools: {},
    namespaces: { host: { works: true, reason: '' }, none: { works: ownNetworks, reason: '' } },
  };
  return strongest(new Map(ids.map((id) => [id, backend(id)])), host, { network, listen });
}

test('auto is the strongest that works', (t) => {
  t.is(choose(['process', 'namespace', 'sandbox'], 'host'), 'sandbox');
  t.is(choose(['process', 'namespace'], 'host'), 'namespace');
  t.is(choose(['process'], 'host'), 'process');
});

test('a network of its own is never traded for the machine’s', (t) => {
  for (const network of ['none', 'egress'] as const) {
    t.is(choose(['process', 'namespace', 'sandbox'], network), 'sandbox');
    t.is(choose(['process', 'namespace'], network), 'namespace');
    t.is(choose(['process', 'namespace'], network, false), 'namespace', 'its start says what is missing');
    t.is(choose(['process'], network), 'namespace', 'its start says what is missing');
  }
});

test('units of systemd come first, for what they can give', (t) => {
  const all: BackendId[] = ['process', 'namespace', 'sandbox', 'systemd'];
  t.is(choose(all, 'host'), 'systemd');
  t.is(choose(all, 'host', true, 'unix'), 'systemd');
  t.is(choose(all, 'host', true, 'fd'), 'sandbox');
  t.is(choose(all, 'none', true, 'unix'), 'systemd');
  t.is(choose(all, 'none', true, 'port'), 'sandbox');
  t.is(choose(all, 'egress', true, 'unix'), 'sandbox');
});
