/**
 * How far tenement.service can be locked in, by what the backends have to do themselves. Pure. What a directive stops and what it costs
 * stands as a comment in the unit, where the admin reads it.
 */

/**
 * Who does the privileged work of isolation: `manager`, systemd alone (backend `systemd`); `users`, the server starts processes under other
 * users (`process`); `namespaces`, it builds mounts and namespaces itself (`namespace`, `sandbox`).
 */
export type Work = 'manager' | 'users' | 'namespaces';

export interface Confinement {
  readonly work: Work;
  /** Absolute paths that the server, or an app that runs in its view of the file system, writes. */
  readonly writes: readonly string[];
  /** Networks are administered: tenants are kept from each other on loopback, or have networks of their own. */
  readonly firewall: boolean;
  /** Apps have files below /tmp, so it cannot be an own one. */
  readonly sharesTmp: boolean;
  /** Of the work `users`: apps run as users who may have files anywhere, and not only as those made for them. */
  readonly otherUsers: boolean;
  /** Something that is needed is in a home directory. */
  readonly homes: boolean;
}

export interface Directive {
  /** Lines without `# `. */
  readonly why: string;
  readonly lines: readonly string[];
}

/** What each kind of work costs, for people. */
export const COSTS: Record<Work, string> = {
  manager:
    'All instances are units of systemd, which does the privileged work: the server keeps the fewest rights.',
  users:
    'Isolation "process": instances run in the server\'s own confinement. It may take on any user and signal any process, but makes no namespaces and no mounts.',
  namespaces:
    'Isolation "namespace" or "sandbox": the server builds mounts and namespaces as root, so it keeps CAP_SYS_ADMIN, mount(2) and namespaces. With `isolation = "systemd"` for every service it would not need them.',
};

const BASE_CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_KILL',
  'CAP_SYS_PTRACE',
  'CAP_SYS_NICE',
];
const USER_CAPABILITIES = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SYS_RESOURCE'];
const NAMESPACE_CAPABILITIES = ['CAP_SYS_ADMIN', 'CAP_SYS_CHROOT', 'CAP_MKNOD', 'CAP_SETFCAP', 'CAP_NET_RAW'];

/** The directives of [Service] that take rights away, in the order in which they are to be read. */
export function hardening(confinement: Confinement): Directive[] {
  const { work, firewall } = confinement;
  const namespaces = work === 'namespaces';
  return [
    {
      why: 'Rights that are gone for good, also for whatever the server starts.',
      lines: [
        'NoNewPrivileges=yes',
        ...(namespaces ? [] : ['RestrictSUIDSGID=yes']),
        'RestrictRealtime=yes',
        'LockPersonality=yes',
        'SystemCallArchitectures=native',
        'KeyringMode=private',
      ],
    },
    {
      why: `${capabilitiesFor(work)} CAP_SYS_PTRACE is to tell whose process listens on a port${firewall ? ', CAP_NET_ADMIN for the firewall that keeps tenants from each other on loopback, and for networks of their own' : ''}.`,
      lines: [`CapabilityBoundingSet=${capabilities(work, firewall).join(' ')}`],
    },
    fileSystem(confinement),
    {
      why: 'Not reachable: the clock, kernel modules, raw devices.',
      lines: [
        'ProtectClock=yes',
        'ProtectKernelModules=yes',
        ...(namespaces ? [] : ['ProtectKernelLogs=yes', 'ProtectKernelTunables=yes', 'PrivateDevices=yes']),
      ],
    },
    {
      why: namespaces
        ? 'Off, because the kernel gives a namespace its own /proc only where the one outside is whole, and because host names are set in namespaces: ProtectKernelTunables, ProtectKernelLogs, PrivateDevices, ProtectHostname. Off, because it takes away openat2(2), by which bubblewrap opens what it binds (since 0.12, as in Debian 13): RestrictSUIDSGID; no instance gains rights by such a file (NoNewPrivileges, nosuid).'
        : 'Nobody here makes a namespace: most ways to gain rights from the kernel begin with one.',
      lines: namespaces ? [] : ['RestrictNamespaces=yes', 'ProtectHostname=yes'],
    },
    {
      why: 'Kinds of sockets: the network, the buses, and netlink to ask for the network.',
      lines: ['RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK'],
    },
    systemCalls(namespaces),
    {
      why: 'Off, because each instance has a control group below the one of this unit (Delegate=), or its own is read: ProtectControlGroups. Off, because V8 compiles at run time: MemoryDenyWriteExecute. Off, because its processes are looked at: ProtectProc.',
      lines: [],
    },
  ];
}

function capabilities(work: Work, firewall: boolean): string[] {
  return [
    ...BASE_CAPABILITIES,
    ...(firewall ? ['CAP_NET_ADMIN'] : []),
    ...(work === 'manager' ? [] : USER_CAPABILITIES),
    ...(work === 'namespaces' ? NAMESPACE_CAPABILITIES : []),
  ];
}

function capabilitiesFor(work: Work): string {
  if (work === 'manager')
    return 'What root may still do: own the directories of tenants and look at their processes.';
  if (work === 'users')
    return 'What root may still do: own the directories of tenants, become their users, look at and end their processes.';
  return 'What root may still do: build the namespaces of tenants, become their users, look at and end their processes.';
}

function fileSystem({ work, writes, sharesTmp, otherUsers, homes }: Confinement): Directive {
  // Instances of `process` see what the server sees.
  const strict = work !== 'users' || !otherUsers;
  const inHomes = homes
    ? 'Files that are needed are in home directories.'
    : 'Home directories are closed: when an app comes that lies in one, run `ten install` again.';
  return {
    why: strict
      ? `All files are read-only but these; in /run, it tells other programs the names of instances' users. ${inHomes}`
      : `The system is read-only. Not the rest: instances without isolation see the files as the server does, and write where their user may. ${inHomes}`,
    lines: [
      `ProtectSystem=${strict ? 'strict' : 'full'}`,
      `ProtectHome=${homes ? 'read-only' : 'yes'}`,
      sharesTmp ? '# PrivateTmp= is off, because an app has its files below /tmp.' : 'PrivateTmp=yes',
      // Names of the users of instances, for all programs (/run/userdb, which only systemd and its like make at other times).
      ...(strict ? ['ReadWritePaths=/run'] : []),
      'RuntimeDirectory=tenement',
      'RuntimeDirectoryMode=0700',
      'RuntimeDirectoryPreserve=yes',
      ...writes.map((path) => `ReadWritePaths=-${quotePath(path)}`),
    ],
  };
}

function systemCalls(namespaces: boolean): Directive {
  return namespaces
    ? {
        why: 'No system calls that no server and no namespace needs. Others stay, such as mount and unshare.',
        lines: [
          'SystemCallFilter=~@clock @cpu-emulation @debug @module @obsolete @raw-io @reboot @swap',
          'SystemCallErrorNumber=EPERM',
        ],
      }
    : {
        why: 'The system calls of ordinary services and no others: no mounts, modules, tracing, raw devices, reboot.',
        lines: ['SystemCallFilter=@system-service', 'SystemCallErrorNumber=EPERM'],
      };
}

/** systemd.syntax(7): spaces end a value, `%` begins a specifier. */
export function quotePath(path: string): string {
  const text = path.replaceAll('\\', '\\\\').replaceAll('%', '%%').replaceAll('"', '\\"');
  return /[\s"'\\]/.test(path) ? `"${text}"` : text;
}
