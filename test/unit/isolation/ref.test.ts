import test from 'ava';
import type { Ref } from '../../../isolation/contract.js';
import { parseRef } from '../../../isolation/ref.js';

const ref: Ref = {
  version: 1,
  backend: 'process',
  run: 'r',
  pid: 5,
  startTime: '77',
  bootId: 'b',
  address: { host: '127.0.0.1', port: 30000 },
  cgroup: undefined,
  uid: undefined,
  exclusive: false,
  startedAt: 1,
};

test('a ref survives being saved as JSON', (t) => {
  t.deepEqual(parseRef(JSON.parse(JSON.stringify(ref))), ref);
  const full: Ref = { ...ref, cgroup: '/cg/x', uid: 7, exclusive: true, address: { path: '/s' } };
  t.deepEqual(parseRef(JSON.parse(JSON.stringify(full))), full);
});

test('what is not a ref of this version is nothing', (t) => {
  for (const bad of [
    undefined,
    null,
    'x',
    {},
    { ...ref, version: 2 },
    { ...ref, pid: 0 },
    { ...ref, pid: -1 },
    { ...ref, run: '' },
  ]) {
    t.is(parseRef(bad), undefined);
  }
});
