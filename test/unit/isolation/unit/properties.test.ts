import test from 'ava';
import { OPTIONAL, type UnitInput, unitProperties } from '../../../../isolation/unit/properties.js';

const input: UnitInput = {
  service: 'my-notes',
  tenant: 'alice',
  command: ['/usr/bin/node', 'a.js', '%i'],
  setpriv: undefined,
  identity: { uid: 1_900_000_007, gid: 1_900_000_007, exclusive: true },
  directory: '/srv/app',
  log: { stdout: '/log/out', stderr: '/log/err' },
  root: '/run/tenement/x/root',
  environment: '/run/tenement/x/env',
  variables: ['HOME', 'SECRET'],
  system: {
    links: ['/bin'],
    targets: new Map([['/bin', 'usr/bin']]),
    directories: ['/usr'],
    files: [{ path: '/etc/resolv.conf', source: '/run/resolv.conf' }],
    devices: [],
  },
  views: [
    { path: '/srv/app', access: 'read', kind: 'directory' },
    { path: '/srv/app/data', access: 'hide', kind: 'directory' },
    { path: '/srv/app/tenement.toml', access: 'hide', kind: 'file' },
    { path: '/srv/app/data/alice', access: 'write', kind: 'directory' },
  ],
  network: 'host',
  stopMs: 10_000,
  limits: {},
  extra: [],
  missing: [],
};

const values = (more: Partial<UnitInput> = {}): Map<string, unknown> =>
  new Map(unitProperties({ ...input, ...more }).map(([name, , value]) => [name, value]));
const text = (value: unknown): string =>
  JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one));

test('the command is given as it is, and the environment past the bus', (t) => {
  const all = values();
  t.deepEqual(all.get('ExecStart'), [['/usr/bin/node', [...input.command], false]]);
  t.false(all.has('Environment'));
  t.deepEqual(all.get('EnvironmentFiles'), [['/run/tenement/x/env', false]]);
  const unset = all.get('UnsetEnvironment') as string[];
  t.true(unset.includes('USER') && !unset.includes('HOME'), 'only what it was not given');
});

test('stopped by systemd it has the time that is configured, and never so little that systemd itself has none', (t) => {
  t.is(values().get('TimeoutStopUSec'), 10_000_000n);
  t.is(values({ stopMs: 2500.5 }).get('TimeoutStopUSec'), 2_501_000n);
  t.is(values({ stopMs: 0 }).get('TimeoutStopUSec'), 2_000_000n);
});

test('a user that systemd knows: no capability at all', (t) => {
  const all = values();
  t.is(all.get('User'), 'tenement-1900000007');
  t.is(all.get('Group'), 'tenement-1900000007');
  t.is(all.get('CapabilityBoundingSet'), 0n);
  t.true(all.get('PrivateUsers'));
});

test('one that it does not: by setpriv, with what that needs and nothing else', (t) => {
  const all = values({ setpriv: '/usr/bin/setpriv' });
  for (const name of ['User', 'Group', 'PrivateUsers']) t.false(all.has(name), name);
  t.is(all.get('CapabilityBoundingSet'), 0b111000000n);
  t.regex(
    text(all.get('ExecStart')),
    /setpriv.*--reuid.*1900000007.*--clear-groups.*"--","\/usr\/bin\/node"/,
  );
});

test('what this systemd does not know is left out', (t) => {
  const missing = [...OPTIONAL.map(([name]) => name), 'PrivateUsers'];
  const all = values({ missing });
  for (const name of missing) t.false(all.has(name), name);
  t.is(all.size, values().size - missing.length);
});

test('the root is an allow-list', (t) => {
  const all = values();
  t.is(all.get('RootDirectory'), input.root);
  t.deepEqual(all.get('BindPaths'), [['/srv/app/data/alice', '/srv/app/data/alice', false, 0x4000n]]);
  const read = text(all.get('BindReadOnlyPaths'));
  t.true(read.includes('/srv/app') && read.includes('/run/resolv.conf') && !read.includes('/srv/app/data'));
  const fresh = (all.get('TemporaryFileSystem') as [string, string][]).map(([path]) => path);
  for (const path of ['/run', '/sys', '/tmp', '/dev/shm', '/srv/app/data'])
    t.true(fresh.includes(path), path);
  t.deepEqual(all.get('InaccessiblePaths'), ['+/srv/app/tenement.toml']);
});

test('homes are covered, unless the app lies in one that would be closed to it', (t) => {
  const at = (path: string) =>
    values({ views: [{ path, access: 'read', kind: 'directory' }] }).get('ProtectHome');
  for (const path of ['/srv', '/home/ada/app', '/rooted']) t.is(at(path), 'tmpfs', path);
  for (const path of ['/home', '/root', '/root/app', '/run/user/1000']) t.is(at(path), undefined, path);
});

test('limits', (t) => {
  const limits = { memoryBytes: 2 ** 20, cpuQuota: 1.5, cpuWeight: 50, pids: 20, nofile: 99, fsize: 7 };
  const all = values({ limits });
  const expected = { MemoryMax: 1_048_576n, MemorySwapMax: 1_048_576n, CPUQuotaPerSecUSec: 1_500_000n };
  const more = { CPUWeight: 50n, TasksMax: 20n, LimitNOFILE: 99n, LimitFSIZE: 7n, LimitCORE: 0n };
  for (const [name, value] of Object.entries({ ...expected, ...more })) t.is(all.get(name), value, name);
  for (const name of ['MemoryMax', 'CPUQuotaPerSecUSec', 'TasksMax']) t.false(values().has(name), name);
});

test('a network of its own', (t) => {
  t.false(values().has('PrivateNetwork'));
  t.true(values({ network: 'none' }).get('PrivateNetwork'));
});

test('further properties win; further refusals of system calls come beside ours', (t) => {
  const extra = [
    ['OOMPolicy', 's', 'continue'],
    ['SystemCallFilter', '(bas)', [false, ['@chown']]],
  ] as const;
  const all = unitProperties({ ...input, extra });
  t.deepEqual(
    all.filter(([name]) => name === 'OOMPolicy'),
    [['OOMPolicy', 's', 'continue']],
  );
  t.is(all.filter(([name]) => name === 'SystemCallFilter').length, 3);
});

test('each instance is in the slice of its service', (t) => {
  t.is(values().get('Slice'), 'tenement-my\\x2dnotes.slice');
});
