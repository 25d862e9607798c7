/**
 * Pure: the properties of an instance's transient service (systemd.exec(5), systemd.resource-control(5)). Each says what it keeps the app from.
 * Types are those of the D-Bus interface; what an older systemd does not know is in OPTIONAL and can be left out.
 */
import type { Property } from '../../systemd/manager.js';
import { sliceName } from '../../systemd/unit-name.js';
import { dropPrivilege } from '../argv.js';
import type { Identity, Limits, Network } from '../contract.js';
import { PLACES_OPTIONS, SHM_OPTIONS, TMP_OPTIONS } from '../root-plan.js';
import type { SystemView } from '../system-view.js';
import type { View } from '../visible.js';
import { ALMOST_NO_NAMESPACES, execStart } from './exec.js';
import { userName } from './user.js';

export interface UnitInput {
  readonly service: string;
  readonly tenant: string;
  /** With its absolute path. */
  readonly command: readonly [string, ...string[]];
  /** Path of setpriv(1), by which it becomes its user; undefined: systemd knows the user by `userName`. */
  readonly setpriv: string | undefined;
  readonly identity: Identity;
  readonly directory: string;
  readonly log: { readonly stdout: string; readonly stderr: string };
  /** The directory that becomes its root, and the file with its environment. */
  readonly root: string;
  readonly environment: string;
  /** Names of the variables in there. */
  readonly variables: readonly string[];
  readonly system: SystemView;
  readonly views: readonly View[];
  readonly network: Network;
  /** From TERM to KILL. */
  readonly stopMs: number;
  readonly limits: Limits;
  /** `[service.x.systemd]`, checked (src/config/unit-settings.ts); they win. */
  readonly extra: readonly Property[];
  /** Names of those of OPTIONAL that this systemd does not know. */
  readonly missing: readonly string[];
}

/** So that mounts within a mount come along. */
const RECURSIVE = 0x4000n;
const NONE = 0n;
const US = 1_000_000n;
/** What setpriv needs to become the instance's user; it drops them with all others. */
const SETUID_SETGID_SETPCAP = (1n << 6n) | (1n << 7n) | (1n << 8n);
/** What systemd would add to an environment (systemd.exec(5), "Environment Variables in Spawned Processes"). */
const FROM_SYSTEMD = [
  ...['PATH', 'LANG', 'LANGUAGE', 'LC_ALL', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'XDG_RUNTIME_DIR'],
  ...['INVOCATION_ID', 'JOURNAL_STREAM', 'SYSTEMD_EXEC_PID', 'MANAGERPID', 'NOTIFY_SOCKET', 'PIDFILE'],
  ...[
    'MEMORY_PRESSURE_WATCH',
    'MEMORY_PRESSURE_WRITE',
    'CREDENTIALS_DIRECTORY',
    'REMOTE_ADDR',
    'REMOTE_PORT',
  ],
];
/** Homes that could not be entered or would be mounted twice: systemd's own /root is closed to others. */
const HOMES = /^(\/home$|\/root(\/|$)|\/run\/user(\/|$))/;
/** At least, from TERM to KILL: each step of a stop has this time, also those of systemd. */
const LEAST_STOP_USEC = 2n * US;

/**
 * What systemd has learnt since the oldest that there may be; the version of each. Without them the rest still holds, as the root is an
 * allow-list and the user an own one: others' processes can be seen (not looked into), SysV IPC met, host name, clock and kernel log read.
 */
export const OPTIONAL: readonly Property[] = [
  ['ProtectHostname', 'b', true], // 242
  ['ProtectKernelLogs', 'b', true], // 244
  ['ProtectClock', 'b', true], // 245
  ['ProtectProc', 's', 'invisible'], // 247: other users' processes are not even listed
  ['PrivateIPC', 'b', true], // 248
];

/** Each further one takes away from what the earlier ones allow. */
const ADDED: ReadonlySet<string> = new Set(['SystemCallFilter']);

export function unitProperties(input: UnitInput): Property[] {
  const own: Property[] = [
    ...process(input),
    ...user(input),
    ...fileSystem(input),
    ...kernel(),
    ...OPTIONAL.filter(([name]) => !input.missing.includes(name)),
    ...network(input.network),
    ...limits(input.limits),
  ];
  const replaced = new Set(input.extra.map(([name]) => name).filter((name) => !ADDED.has(name)));
  return [...own.filter(([name]) => !replaced.has(name)), ...input.extra];
}

function process(input: UnitInput): Property[] {
  const { service, tenant, setpriv, command, identity } = input;
  const argv: readonly [string, ...string[]] =
    setpriv === undefined ? command : [setpriv, ...dropPrivilege(identity), '--', ...command];
  return [
    ['Description', 's', `${service}:${tenant} (tenement)`],
    ['Slice', 's', sliceName(service)],
    ['Type', 's', 'exec'],
    execStart(argv),
    ['WorkingDirectory', 's', input.directory],
    ['EnvironmentFiles', 'a(sb)', [[input.environment, false]]],
    ['UnsetEnvironment', 'as', FROM_SYSTEMD.filter((name) => !input.variables.includes(name))],
    ['StandardInput', 's', 'null'],
    ['StandardOutputFileToAppend', 's', input.log.stdout],
    ['StandardErrorFileToAppend', 's', input.log.stderr],
    ['UMask', 'u', 0o077],
    // TERM to the app alone, KILL to what is left when it has ended.
    ['KillMode', 's', 'mixed'],
    ['TimeoutStopUSec', 't', stopUsec(input.stopMs)],
    ['Restart', 's', 'no'],
    // Failed units would gather in the manager's memory.
    ['CollectMode', 's', 'inactive-or-failed'],
    // Keeps the exit status readable until we have read it.
    ['AddRef', 'b', true],
  ];
}

function stopUsec(ms: number): bigint {
  const usec = (BigInt(Math.ceil(ms)) * US) / 1000n;
  return usec > LEAST_STOP_USEC ? usec : LEAST_STOP_USEC;
}

function user({ identity, setpriv, missing }: UnitInput): Property[] {
  if (setpriv !== undefined) return [['CapabilityBoundingSet', 't', SETUID_SETGID_SETPCAP]];
  return [
    ['User', 's', userName(identity)],
    ['Group', 's', userName(identity)],
    ['CapabilityBoundingSet', 't', NONE],
    // Whoever becomes root by a flaw of the kernel is root of nothing.
    ...(missing.includes('PrivateUsers') ? [] : ([['PrivateUsers', 'b', true]] as Property[])),
  ];
}

/** An allow-list, as with namespaces: what is not named here does not exist. */
function fileSystem({ root, system, views }: UnitInput): Property[] {
  const shown = views.filter(({ access }) => access !== 'hide');
  const hidden = views.filter(({ access }) => access === 'hide');
  const bind = (source: string, target: string) => [source, target, false, RECURSIVE];
  const paths = (access: View['access']) =>
    shown.filter((view) => view.access === access).map(({ path }) => path);
  return [
    ['RootDirectory', 's', root],
    ['MountAPIVFS', 'b', true],
    [
      'BindReadOnlyPaths',
      'a(ssbt)',
      [
        ...system.directories.map((path) => bind(path, path)),
        ...system.files.map(({ path, source }) => bind(source, path)),
        ...paths('read').map((path) => bind(path, path)),
      ],
    ],
    ['BindPaths', 'a(ssbt)', paths('write').map((path) => bind(path, path))],
    ['ReadWritePaths', 'as', paths('write').map(inRoot)],
    [
      'TemporaryFileSystem',
      'a(ss)',
      [
        // The names of all instances are in the tree of cgroups.
        ['/sys', `ro,${PLACES_OPTIONS},mode=755`],
        ['/run', `ro,${PLACES_OPTIONS},mode=755`],
        // Not PrivateTmp=: that is a directory of the machine's disk, which could be filled.
        ['/tmp', `nosuid,nodev,mode=1777,${TMP_OPTIONS}`],
        ['/var/tmp', `nosuid,nodev,mode=1777,${TMP_OPTIONS}`],
        ['/dev/shm', `nosuid,nodev,mode=1777,${SHM_OPTIONS}`],
        ...hidden
          .filter(({ kind }) => kind === 'directory')
          .map(({ path }) => [path, `ro,${PLACES_OPTIONS},mode=711`]),
      ],
    ],
    ['InaccessiblePaths', 'as', hidden.filter(({ kind }) => kind === 'file').map(({ path }) => inRoot(path))],
    ['ProtectSystem', 's', 'strict'],
    // They are not in its root as it is; so systemd knows that, too. Not where the app lies in one of these.
    ...(views.some(({ path }) => HOMES.test(path)) ? [] : ([['ProtectHome', 's', 'tmpfs']] as Property[])),
    ['PrivateDevices', 'b', true],
    ['DevicePolicy', 's', 'closed'],
    ['RemoveIPC', 'b', true],
    ['PrivateMounts', 'b', true],
  ];
}

/** Of the new root; without the sign it would be the machine's. */
function inRoot(path: string): string {
  return `+${path}`;
}

/** Fewer ways into the kernel. */
function kernel(): Property[] {
  return [
    ['NoNewPrivileges', 'b', true],
    ['AmbientCapabilities', 't', NONE],
    ALMOST_NO_NAMESPACES,
    ['RestrictSUIDSGID', 'b', true],
    ['RestrictRealtime', 'b', true],
    ['LockPersonality', 'b', true],
    ['KeyringMode', 's', 'private'],
    ['ProtectKernelTunables', 'b', true],
    ['ProtectKernelModules', 'b', true],
    ['ProtectControlGroups', 'b', true],
    ['SystemCallArchitectures', 'as', ['native']],
    // Twice: within one list a "~" does not take away.
    ['SystemCallFilter', '(bas)', [true, ['@system-service']]],
    [
      'SystemCallFilter',
      '(bas)',
      [
        false,
        [
          '@keyring',
          '@mount',
          '@debug',
          // Priorities and processors beside what its limits give it.
          '@resources',
          'io_uring_setup',
          'io_uring_enter',
          'io_uring_register',
          'userfaultfd',
        ],
      ],
    ],
    ['SystemCallErrorNumber', 'i', 1],
    ['RestrictAddressFamilies', '(bas)', [true, ['AF_UNIX', 'AF_INET', 'AF_INET6', 'AF_NETLINK']]],
  ];
}

function network(kind: Network): Property[] {
  return kind === 'none' ? [['PrivateNetwork', 'b', true]] : [];
}

function limits({ memoryBytes, cpuWeight, cpuQuota, pids, nofile, core = 0, fsize }: Limits): Property[] {
  return [
    ...(memoryBytes === undefined
      ? []
      : ([
          ['MemoryMax', 't', BigInt(Math.floor(memoryBytes))],
          // What does not fit would go there without a bound.
          ['MemorySwapMax', 't', BigInt(Math.floor(memoryBytes))],
        ] as Property[])),
    // All or nothing: an app without one of its processes is neither alive nor restarted.
    ['OOMPolicy', 's', 'kill'],
    ...(cpuWeight === undefined
      ? []
      : ([
          ['CPUWeight', 't', BigInt(cpuWeight)],
          ['IOWeight', 't', BigInt(cpuWeight)],
        ] as Property[])),
    ...(cpuQuota === undefined
      ? []
      : ([['CPUQuotaPerSecUSec', 't', BigInt(Math.round(cpuQuota * Number(US)))]] as Property[])),
    ...(pids === undefined ? [] : ([['TasksMax', 't', BigInt(pids)]] as Property[])),
    ...(nofile === undefined ? [] : ([['LimitNOFILE', 't', BigInt(nofile)]] as Property[])),
    ['LimitCORE', 't', BigInt(core)],
    ...(fsize === undefined ? [] : ([['LimitFSIZE', 't', BigInt(fsize)]] as Property[])),
  ];
}
