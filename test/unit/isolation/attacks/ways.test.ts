import test from 'ava';
import { ATTACKS } from '../../../../isolation/attacks/catalog.js';
import { nameOf, promised, promises, remedy, type Way } from '../../../../isolation/attacks/ways.js';

const way = (over: Partial<Way> = {}): Way => ({
  backend: 'namespace',
  network: 'none',
  ownUser: true,
  guarded: false,
  filtered: true,
  ...over,
});

test('sandbox and namespace with a network of their own promise everything', (t) => {
  for (const backend of ['namespace', 'sandbox'] as const) {
    for (const network of ['none', 'egress'] as const) {
      t.is(promised(way({ backend, network })).length, ATTACKS.length);
      t.is(promised(way({ backend, network, ownUser: false })).length, ATTACKS.length);
    }
  }
});

test('the machine’s network promises no abstract sockets, and ports only behind the firewall', (t) => {
  const open = (over: Partial<Way>) =>
    ATTACKS.map(({ id }) => id).filter((id) => !promises(way({ network: 'host', ...over }), id));
  t.deepEqual(open({ guarded: true }), ['abstract-socket']);
  t.deepEqual(open({}), ['sibling-port', 'sibling-udp', 'management-port', 'abstract-socket']);
});

test('without a filter its attacks are not promised', (t) => {
  const open = ATTACKS.map(({ id }) => id).filter((id) => !promises(way({ filtered: false }), id));
  t.deepEqual(open, ['keyring', 'io-uring', 'bpf', 'userfaultfd', 'ptrace']);
});

test('process promises nothing but limits to those who share a user, and files and processes to those who do not', (t) => {
  const process = (ownUser: boolean) =>
    promised(way({ backend: 'process', network: 'host', ownUser, filtered: false }));
  t.deepEqual(process(false), ['fork-bomb', 'busy-loop', 'memory-bomb']);
  for (const id of ['sibling-read', 'sibling-environment', 'sibling-signal', 'outlive-stop'] as const)
    t.true(process(true).includes(id), id);
  for (const id of ['sibling-port', 'foreign-processes', 'shared-tmp', 'ptrace'] as const)
    t.false(process(true).includes(id), id);
});

test('every attack has a remedy on every way', (t) => {
  for (const { id } of ATTACKS) {
    t.regex(remedy(way(), id), /\.$/);
    t.regex(remedy(way({ backend: 'process', ownUser: false }), id), /\.$/);
  }
});

test('names tell ways apart', (t) => {
  t.is(nameOf(way()), 'namespace, network none');
  t.is(nameOf(way({ backend: 'process' })), 'process, own user');
  t.is(nameOf(way({ backend: 'process', ownUser: false })), 'process');
});
