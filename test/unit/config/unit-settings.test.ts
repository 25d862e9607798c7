import test from 'ava';
import { UNIT_SETTINGS, unitProperties, unitSettingProblem } from '../../../src/config/unit-settings.js';
import type { UnitValue } from '../../../src/config/unit-values.js';
import { configError, configOf, problemsOf } from '../../helpers/config-file.js';

const INFINITY = 2n ** 64n - 1n;

const read: [setting: string, value: UnitValue, expected: readonly [string, string, unknown]][] = [
  ['MemoryHigh', '512M', ['MemoryHigh', 't', 536_870_912n]],
  ['MemoryHigh', 1024, ['MemoryHigh', 't', 1024n]],
  ['MemoryMax', 'infinity', ['MemoryMax', 't', INFINITY]],
  ['TasksMax', 20, ['TasksMax', 't', 20n]],
  ['CPUQuota', '150%', ['CPUQuotaPerSecUSec', 't', 1_500_000n]],
  ['CPUQuotaPeriodSec', '100ms', ['CPUQuotaPeriodUSec', 't', 100_000n]],
  ['RuntimeMaxSec', '2h', ['RuntimeMaxUSec', 't', 7_200_000_000n]],
  ['RuntimeMaxSec', 1.5, ['RuntimeMaxUSec', 't', 1_500_000n]],
  ['RuntimeMaxSec', 'infinity', ['RuntimeMaxUSec', 't', INFINITY]],
  ['Nice', -5, ['Nice', 'i', -5]],
  ['UMask', '0027', ['UMask', 'u', 0o27]],
  ['MemoryDenyWriteExecute', true, ['MemoryDenyWriteExecute', 'b', true]],
  ['LockPersonality', false, ['LockPersonality', 'b', false]],
  ['OOMPolicy', 'continue', ['OOMPolicy', 's', 'continue']],
  ['SystemCallFilter', ['~@chown', '~fork'], ['SystemCallFilter', '(bas)', [false, ['@chown', 'fork']]]],
  ['RestrictAddressFamilies', 'AF_UNIX', ['RestrictAddressFamilies', '(bas)', [true, ['AF_UNIX']]]],
  ['IOReadBandwidthMax', ['/dev/vda 10M'], ['IOReadBandwidthMax', 'a(st)', [['/dev/vda', 10_485_760n]]]],
  [
    'IPAddressDeny',
    ['169.254.0.0/16', '::1', 'multicast'],
    [
      'IPAddressDeny',
      'a(iayu)',
      [
        [2, Buffer.from([169, 254, 0, 0]), 16],
        [10, Buffer.from(`${'00'.repeat(15)}01`, 'hex'), 128],
        [2, Buffer.from([224, 0, 0, 0]), 4],
        [10, Buffer.from(`ff${'00'.repeat(15)}`, 'hex'), 8],
      ],
    ],
  ],
  [
    'IPAddressAllow',
    '2001:db8::1:0/112',
    ['IPAddressAllow', 'a(iayu)', [[10, Buffer.from('20010db8000000000000000000010000', 'hex'), 112]]],
  ],
  [
    'IPAddressAllow',
    '::ffff:10.1.2.3',
    ['IPAddressAllow', 'a(iayu)', [[10, Buffer.from(`${'00'.repeat(10)}ffff0a010203`, 'hex'), 128]]],
  ],
];
for (const [setting, value, expected] of read) {
  test(`${setting} = ${JSON.stringify(value)}`, (t) => {
    t.is(unitSettingProblem(setting, value), undefined);
    t.deepEqual(unitProperties({ [setting]: value }), [expected]);
  });
}

const wrong: [setting: string, value: UnitValue][] = [
  ['MemoryHigh', 'lots'],
  ['MemoryHigh', -1],
  ['MemoryHigh', 1.5],
  ['MemoryHigh', true],
  ['TasksMax', '20'],
  ['CPUWeight', 0],
  ['CPUWeight', 10_001],
  ['CPUQuota', 50],
  ['CPUQuota', '0%'],
  ['RuntimeMaxSec', 'soon'],
  ['RuntimeMaxSec', Number.POSITIVE_INFINITY],
  ['Nice', 20],
  ['Nice', '3'],
  ['UMask', '0999'],
  ['UMask', 22],
  ['PrivateUsers', 'yes'],
  ['NoNewPrivileges', false],
  ['ProtectKernelTunables', false],
  ['OOMPolicy', 'maybe'],
  ['SystemCallFilter', ['@mount']],
  ['SystemCallFilter', []],
  ['SystemCallFilter', '~'],
  ['RestrictAddressFamilies', ['AF_PACKET']],
  ['RestrictAddressFamilies', ['~AF_UNIX']],
  ['IOReadBandwidthMax', ['vda 10M']],
  ['IOReadBandwidthMax', ['/dev/vda']],
  ['IPAddressDeny', ['10.0.0.0/33']],
  ['IPAddressDeny', ['example.com']],
  ['IPAddressDeny', ['fe80::1%eth0']],
];
for (const [setting, value] of wrong) {
  test(`${setting} = ${JSON.stringify(value)} is wrong, and said without the value`, (t) => {
    const problem = unitSettingProblem(setting, value) ?? '';
    t.regex(problem, /^expected /);
    if (typeof value === 'string' && value.length > 3) t.false(problem.includes(value));
    t.deepEqual(unitProperties({ [setting]: value }), []);
  });
}

for (const [setting, reason] of [
  ['User', /runs as the user that `user` says/],
  ['RootDirectory', /read_only_paths/],
  ['BindPaths', /read_write_paths/],
  ['CapabilityBoundingSet', /privileges/],
  ['Environment', /everybody on the machine can read it/],
  ['ExecStart', /use `command`/],
  ['ExecStartPre', /starts, watches and stops instances itself/],
  ['Slice', /systemctl set-property/],
  ['PrivateNetwork', /use `network`/],
] as const) {
  test(`${setting} is refused with the reason`, (t) => {
    t.regex(unitSettingProblem(setting, 'x') ?? '', reason);
    t.deepEqual(unitProperties({ [setting]: 'x' }), []);
  });
}

test('names that every object has are no settings', (t) => {
  t.regex(unitSettingProblem('constructor', 'x') ?? '', /^is not a setting/);
  t.regex(unitSettingProblem('__proto__', 'x') ?? '', /^is not a setting/);
});

test('each setting says what it expects, and D-Bus has a type for it', (t) => {
  for (const [name, { kind, property }] of Object.entries(UNIT_SETTINGS)) {
    t.regex(kind.signature, /^[a-z()]+$/, name);
    t.regex(kind.expected, /^\S/, name);
    t.regex(property ?? name, /^[A-Z]\w+$/);
  }
});

const SERVICE = '[service.a]\ncommand = "x"\nisolation = "systemd"\n[service.a.systemd]\n';

test('in the file: a wrong value, an unknown name with the nearest, a refused one', (t) => {
  const text = `${SERVICE}MemoryHigh = "lots"\nMemoryHihg = "1G"\nUser = "root"\nXyz = 1`;
  const problems = problemsOf(t, text);
  t.like(configError(t, text).details.problems, { 1: { suggestion: 'MemoryHigh' } });
  t.is(problems.length, 4, problems.join('\n'));
  t.regex(problems[0] ?? '', /^5 service\.a\.systemd\.MemoryHigh: expected a size/);
  t.regex(problems[1] ?? '', /^6 service\.a\.systemd\.MemoryHihg: is not a setting/);
  t.regex(problems[2] ?? '', /^7 service\.a\.systemd\.User: is not passed on/);
  t.regex(
    problems[3] ?? '',
    /^8 service\.a\.systemd\.Xyz: is not a setting of units that tenement passes on$/,
  );
});

test('in the file: settings of units for what is no unit', (t) => {
  const text = '[service.a]\ncommand = "x"\nisolation = "process"\n[service.a.systemd]\nNice = 3';
  t.regex(
    problemsOf(t, text).join(),
    /service\.a\.systemd: means something with `isolation = "systemd"` only/,
  );
});

test('in the file: what is right', (t) => {
  t.deepEqual(configOf(t, `${SERVICE}Nice = 3\nMemoryHigh = "1G"`).service.a?.systemd, {
    Nice: 3,
    MemoryHigh: '1G',
  });
});
