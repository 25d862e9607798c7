import test from 'ava';
import { controllersFor, refuseUnlimited } from '../../../../isolation/unit/limited.js';

test('what was asked for needs its controller; what nobody has configured needs none', (t) => {
  t.deepEqual([...controllersFor({})], []);
  t.deepEqual([...controllersFor({ limits: { nofile: 3, core: 0, fsize: 7 } })], []);
  t.deepEqual(
    [...controllersFor({ limits: { memoryBytes: 1, cpuWeight: 1, cpuQuota: 1, pids: 1 } })],
    [
      ['memory', ['memory_limit_mb']],
      ['cpu', ['cpu_shares', 'cpu_limit']],
      ['pids', ['pids_limit']],
    ],
  );
  const unitProperties = [
    ['MemoryHigh', 't', 7n],
    ['TasksMax', 't', 0xffff_ffff_ffff_ffffn],
    ['CPUQuotaPerSecUSec', 't', 500_000n],
    ['IOReadBandwidthMax', 'a(st)', []],
    ['MemoryDenyWriteExecute', 'b', true],
    ['Nice', 'i', 3],
  ] as const;
  t.deepEqual(
    [...controllersFor({ unitProperties })],
    [
      ['memory', ['MemoryHigh']],
      ['cpu', ['CPUQuota']],
      ['io', ['IOReadBandwidthMax']],
    ],
  );
});

test('without any limit nothing has to be there', async (t) => {
  await t.notThrowsAsync(refuseUnlimited({ limits: { core: 0 } }, {}));
});
