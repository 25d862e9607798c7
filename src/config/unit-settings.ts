/**
 * Pure: `[service.x.systemd]`. Which settings of a unit (systemd.directives(7)) may be given, by which name and type D-Bus has them, and why
 * others may not: they would undo what tenement promises, or what it does itself.
 */
import * as kinds from './unit-values.js';

export type UnitSettings = Readonly<Record<string, kinds.UnitValue>>;

interface Setting {
  readonly kind: kinds.Kind;
  /** Where it is not the name in unit files. */
  readonly property?: string;
}

const { BOOLEAN, ONLY_TRUE, BYTES, COUNT, WEIGHT, TIME, RATES, NETWORKS } = kinds;
const OTHERS = kinds.choice('invisible', 'ptraceable', 'noaccess');

export const UNIT_SETTINGS: Readonly<Record<string, Setting>> = {
  ...all(BYTES, ['MemoryMin', 'MemoryLow', 'MemoryHigh', 'MemoryMax', 'MemorySwapMax', 'MemoryZSwapMax']),
  ...all(COUNT, ['TasksMax']),
  ...all(WEIGHT, ['CPUWeight', 'StartupCPUWeight', 'IOWeight', 'StartupIOWeight']),
  CPUQuota: { kind: kinds.PERCENT, property: 'CPUQuotaPerSecUSec' },
  CPUQuotaPeriodSec: { kind: TIME, property: 'CPUQuotaPeriodUSec' },
  ...all(RATES, ['IOReadBandwidthMax', 'IOWriteBandwidthMax', 'IOReadIOPSMax', 'IOWriteIOPSMax']),
  ...all(BOOLEAN, ['CPUAccounting', 'MemoryAccounting', 'TasksAccounting', 'IOAccounting', 'IPAccounting']),
  ...all(NETWORKS, ['IPAddressAllow', 'IPAddressDeny']),
  ...all(kinds.choice('auto', 'kill'), ['ManagedOOMSwap', 'ManagedOOMMemoryPressure']),
  ManagedOOMPreference: { kind: kinds.choice('none', 'avoid', 'omit') },
  OOMScoreAdjust: { kind: kinds.integer(-1000, 1000) },
  OOMPolicy: { kind: kinds.choice('kill', 'stop', 'continue') },
  Nice: { kind: kinds.integer(-20, 19) },
  IOSchedulingPriority: { kind: kinds.integer(0, 7) },
  ...all(BYTES, [
    ...['LimitFSIZE', 'LimitDATA', 'LimitSTACK', 'LimitCORE', 'LimitRSS', 'LimitAS', 'LimitMEMLOCK'],
    'LimitMSGQUEUE',
  ]),
  ...all(COUNT, ['LimitNOFILE', 'LimitNPROC', 'LimitLOCKS', 'LimitSIGPENDING']),
  UMask: { kind: kinds.MODE },
  RuntimeMaxSec: { kind: TIME, property: 'RuntimeMaxUSec' },
  Personality: { kind: kinds.choice('x86', 'x86-64', 'arm', 'arm64') },
  ...all(BOOLEAN, ['MemoryDenyWriteExecute', 'RestrictRealtime', 'LockPersonality', 'PrivateUsers']),
  ...all(ONLY_TRUE, [
    ...['NoNewPrivileges', 'PrivateDevices', 'PrivateIPC', 'PrivateMounts', 'RemoveIPC', 'RestrictSUIDSGID'],
    ...['ProtectClock', 'ProtectControlGroups', 'ProtectHostname', 'ProtectKernelLogs'],
    ...['ProtectKernelModules', 'ProtectKernelTunables'],
  ]),
  ProcSubset: { kind: kinds.choice('all', 'pid') },
  ProtectProc: { kind: OTHERS },
  RestrictAddressFamilies: { kind: kinds.someOf('AF_UNIX', 'AF_INET', 'AF_INET6', 'AF_NETLINK') },
  SystemCallFilter: { kind: kinds.TAKEN_AWAY },
};

const FILES = 'tenement decides what an instance sees: use `read_only_paths` and `read_write_paths`';
const LIFE = 'tenement starts, watches and stops instances itself';
const OUTPUT = 'its output goes to its log files: see `ten logs`';
const ENVIRONMENT = 'everybody on the machine can read it there: use `env` or `env_file`';
const DATA = 'it has directories of its own in `data_dir`';
const REFUSED: Readonly<Record<string, string>> = {
  ...why('it runs as the user that `user` says', [
    ...['User', 'Group', 'DynamicUser', 'SupplementaryGroups', 'PAMName', 'SetLoginEnvironment'],
  ]),
  ...why('it could gain privileges that the server would not give it', [
    ...['CapabilityBoundingSet', 'AmbientCapabilities', 'SecureBits', 'Delegate', 'RestrictNamespaces'],
    ...['DeviceAllow', 'DevicePolicy', 'SystemCallArchitectures', 'SystemCallLog', 'KeyringMode'],
    ...['NUMAPolicy', 'NUMAMask', 'SELinuxContext', 'AppArmorProfile', 'SmackProcessLabel'],
  ]),
  ...why(FILES, [
    ...['RootDirectory', 'RootImage', 'MountAPIVFS', 'BindPaths', 'BindReadOnlyPaths', 'TemporaryFileSystem'],
    ...['ReadWritePaths', 'ReadOnlyPaths', 'InaccessiblePaths', 'PrivateTmp', 'ProtectHome', 'ProtectSystem'],
    ...['NoExecPaths', 'ExecPaths', 'MountImages', 'ExtensionImages', 'ExtensionDirectories', 'MountFlags'],
  ]),
  ...why(DATA, [
    ...['StateDirectory', 'RuntimeDirectory', 'CacheDirectory', 'LogsDirectory', 'ConfigurationDirectory'],
  ]),
  ...why(ENVIRONMENT, ['Environment', 'SetCredential', 'SetCredentialEncrypted']),
  ...why('use `env`, `env_file` or `pass_env`', [
    ...[
      'EnvironmentFile',
      'PassEnvironment',
      'UnsetEnvironment',
      'LoadCredential',
      'LoadCredentialEncrypted',
    ],
    'ImportCredential',
  ]),
  ...why('use `command` and `args`', ['ExecStart']),
  ...why('use `workdir`', ['WorkingDirectory']),
  ...why('use `stop_timeout`', ['TimeoutStopSec', 'TimeoutAbortSec', 'TimeoutSec']),
  ...why('use `startup_timeout`', ['TimeoutStartSec']),
  ...why('use `network`', ['PrivateNetwork', 'NetworkNamespacePath', 'JoinsNamespaceOf', 'IPCNamespacePath']),
  ...why('as process 1 of its own it would ignore the request to end', ['PrivatePIDs']),
  ...why(LIFE, [
    ...['ExecStartPre', 'ExecStartPost', 'ExecCondition', 'ExecReload', 'ExecStop', 'ExecStopPost'],
    ...['Type', 'ExitType', 'Restart', 'RestartSec', 'KillMode', 'KillSignal', 'SendSIGKILL', 'SendSIGHUP'],
    ...['RemainAfterExit', 'GuessMainPID', 'PIDFile', 'BusName', 'NotifyAccess', 'WatchdogSec', 'Sockets'],
    ...[
      'StartLimitBurst',
      'StartLimitIntervalSec',
      'CollectMode',
      'SuccessExitStatus',
      'FileDescriptorStoreMax',
    ],
    ...['Requires', 'Wants', 'After', 'Before', 'BindsTo', 'PartOf', 'Conflicts', 'OnFailure', 'OnSuccess'],
    'SystemCallErrorNumber',
  ]),
  ...why(OUTPUT, ['StandardInput', 'StandardOutput', 'StandardError', 'LogNamespace', 'SyslogIdentifier']),
  ...why('limits of a whole service can be set on its slice: systemctl set-property tenement-SERVICE.slice', [
    'Slice',
  ]),
};

/** Why a setting cannot be given, or undefined. */
export function unitSettingProblem(name: string, value: kinds.UnitValue): string | undefined {
  const setting = Object.hasOwn(UNIT_SETTINGS, name) ? UNIT_SETTINGS[name] : undefined;
  if (setting !== undefined)
    return setting.kind.read(value) === undefined ? `expected ${setting.kind.expected}` : undefined;
  const reason = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
  return reason === undefined
    ? 'is not a setting of units that tenement passes on'
    : `is not passed on: ${reason}`;
}

/** Whether systemd has such a setting, and tenement does not pass it on. */
export function isRefusedSetting(name: string): boolean {
  return Object.hasOwn(REFUSED, name);
}

/** Properties as `[name, D-Bus signature, value]`. Settings that unitSettingProblem objects to are left out. */
export function unitProperties(settings: UnitSettings): (readonly [string, string, unknown])[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    const setting = Object.hasOwn(UNIT_SETTINGS, name) ? UNIT_SETTINGS[name] : undefined;
    const read = setting?.kind.read(value);
    if (setting === undefined || read === undefined) return [];
    return [[setting.property ?? name, setting.kind.signature, read] as const];
  });
}

function all(kind: kinds.Kind, names: readonly string[]): Record<string, Setting> {
  return Object.fromEntries(names.map((name) => [name, { kind }]));
}

function why(reason: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, reason]));
}
