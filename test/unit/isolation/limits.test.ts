import test from 'ava';
import { planLimits, processLimits } from '../../../isolation/limits.js';

const all = { memoryBytes: 1 << 28, cpuWeight: 100, cpuQuota: 1.5, pids: 10 };
const unified = { controllers: ['memory', 'cpu', 'pids'] };

test('where version 2 has the controllers, its files are used', (t) => {
  const plan = planLimits(all, { ...unified, legacyCgroups: { memory: '/m' } }, 'g', 2);
  t.deepEqual(plan.legacy, []);
  t.deepEqual(plan.missing, []);
  const values = Object.fromEntries(plan.unified.map(({ file, value }) => [file, value]));
  t.like(values, {
    'memory.max': '268435456',
    'memory.oom.group': '1',
    'cpu.weight': '100',
    'cpu.max': '150000 100000',
    'pids.max': '12',
  });
});

test('else those of version 1, in a group of the same name', (t) => {
  const plan = planLimits(
    all,
    { controllers: [], legacyCgroups: { memory: '/m', cpu: '/c', pids: '/p' } },
    'g',
    0,
  );
  t.deepEqual(plan.unified, []);
  t.deepEqual(
    plan.legacy.map(({ directory }) => directory),
    ['/m/tenement/g', '/c/tenement/g', '/p/tenement/g'],
  );
  const cpu = plan.legacy[1]?.settings.map(({ file, value }) => `${file}=${value}`);
  t.deepEqual(cpu, ['cpu.shares=1024', 'cpu.cfs_period_us=100000', 'cpu.cfs_quota_us=150000']);
});

test('what neither has is told; what is not limited needs nothing', (t) => {
  t.deepEqual(planLimits(all, { controllers: ['cpu'], legacyCgroups: { pids: '/p' } }, 'g', 0).missing, [
    'memory',
  ]);
  t.deepEqual(planLimits({ nofile: 5 }, { controllers: [] }, 'g', 0), {
    legacy: [],
    unified: [],
    missing: [],
  });
});

test('a very small share of a processor is the least that the kernel takes', (t) => {
  const { unified: files } = planLimits({ cpuQuota: 0.001 }, unified, 'g', 0);
  t.is(files[0]?.value, '1000 100000');
});

test('limits of processes: no core dump unless allowed, sizes in blocks', (t) => {
  t.is(processLimits({}), 'ulimit -c 0 || exit 1\n');
  t.is(
    processLimits({ core: 1024, nofile: 100, fsize: 1000 }),
    'ulimit -c 2 || exit 1\nulimit -n 100 || exit 1\nulimit -f 2 || exit 1\n',
  );
});

test('who has more weight for processors has it for disks, too, where the kernel gives weights to those', (t) => {
  const files = planLimits({ cpuWeight: 300 }, { controllers: ['cpu', 'io'] }, 'g', 0).unified;
  t.deepEqual(files, [
    { file: 'cpu.weight', value: '300' },
    { file: 'io.weight', value: 'default 300', optional: true },
  ]);
  t.is(planLimits({ memoryBytes: 1 }, { controllers: ['memory', 'io'] }, 'g', 0).unified.length, 3);
});
