/**
 * What a backend is. Types only; read this first.
 *
 * A backend knows how to start, adopt, stop and measure ONE instance. It knows nothing of HTTP, of config files or of other
 * instances and keeps no map of them: the handle is the state.
 */
import type { Server } from 'node:net';
import type { ErrorCode } from '../src/base/errors.js';

export type BackendId = 'process' | 'namespace' | 'sandbox' | 'systemd' | 'socket-activation';

/** Where the app can be reached. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

/** A uid and gid of the host. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /**
   * True when nothing else on the machine runs as this uid (`user = "auto"`): then "everything of this uid" is the instance and may be
   * killed as such. Absent or false for a named user, whom siblings and people may share.
   */
  readonly exclusive?: boolean;
}

/** Everything a backend needs to start one instance. Built by the supervisor; paths are absolute. */
export interface Spec {
  readonly service: string;
  readonly tenant: string;
  /** New and random for each start; in the environment as TENEMENT_RUN, so that any process of this run can be told from all others. */
  readonly run: string;
  /** argv; the first is looked up on the environment's PATH, relative to `directory` if it has a slash. */
  readonly command: readonly [string, ...string[]];
  /** The whole environment; nothing of the supervisor's own is added. */
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  /** Undefined: the supervisor's own user. */
  readonly identity: Identity | undefined;
  readonly address: Address;
  /** Files opened for append and handed over as fd 1 and 2. */
  readonly log: { readonly stdout: string; readonly stderr: string };
  /** Name of the cgroup below tenement's own: stable for the instance, unique on the machine. */
  readonly group: string;
  /**
   * A socket that listens on `address`, handed over as fd 3 with LISTEN_FDS and LISTEN_PID (sd_listen_fds(3)). It belongs to the network in which
   * it was made. The caller closes its own copy once the instance is started.
   */
  readonly socket?: Server;
  /**
   * With an own network and an app that knows only a port: the port in there to which connections to `socket` are passed on. The app does not
   * get the socket then.
   */
  readonly forwardTo?: number;
  /** What an isolated instance sees of the file system besides the system's own directories. `process`, which isolates nothing, ignores it. */
  readonly files?: VisibleFiles;
  /** Default `host`. */
  readonly network?: Network;
  /**
   * With an own uid and the network `host`: what on loopback it may reach besides the resolver. Everything else there is refused, where this
   * machine can; undefined leaves loopback as it is. With `egress`: private addresses and ports that may be reached all the same.
   */
  readonly allowLocal?: readonly AllowedAddress[];
  /** Default: unlimited. What cannot be applied makes the start fail. */
  readonly limits?: Limits;
  /** Host name that an isolated instance sees. */
  readonly hostname?: string;
  /** Of `socket-activation`: without a connection for so long it ends, should nobody else see to that. Default: never. */
  readonly idleMs?: number;
  /** Of `systemd` and `socket-activation`: from TERM to KILL when systemd stops it and not we, as when the machine goes down. Default: two seconds. */
  readonly stopMs?: number;
  /** Of `systemd` and `socket-activation`: further properties of the unit as `[name, D-Bus signature, value]`, checked already; they win. */
  readonly unitProperties?: readonly (readonly [name: string, signature: string, value: unknown])[];
  /** The tool of the backend `sandbox`. Default: bubblewrap. */
  readonly sandbox?: 'bubblewrap' | 'nsjail';
}

/** `host` is an IP address of version 4 or 6. */
export interface AllowedAddress {
  readonly host: string;
  readonly port: number;
}

/** `host`: the machine's. `none`: own and empty, loopback only. `egress`: own, outgoing connections only. */
export type Network = 'host' | 'none' | 'egress';

/**
 * An isolated instance's file system is an allow-list: what is not named here, is not the system's (/usr, parts of /etc) and is not needed to
 * run the command does not exist for it. Paths are absolute and keep their names. The working directory is visible, read-only.
 */
export interface VisibleFiles {
  /** Files or directories to see and not to change. One that does not exist makes the start fail. */
  readonly readOnly: readonly string[];
  /** The instance's own directories, and others that it may write. They exist and belong to its user. */
  readonly writable: readonly string[];
  /** What would be visible in one of these or in the working directory, and must not be: the data root, the configuration, secrets. */
  readonly hidden: readonly string[];
  /** Private home, inside a writable directory; created when missing. */
  readonly home?: string;
}

/** Of the whole tree from its first instruction, except those that the kernel keeps per process (nofile, core, fsize). */
export interface Limits {
  readonly memoryBytes?: number;
  /** 1 to 10000, 100 is normal. */
  readonly cpuWeight?: number;
  /** Processors, such as 1.5. */
  readonly cpuQuota?: number;
  /** Processes and threads. */
  readonly pids?: number;
  /** Open files of one process. */
  readonly nofile?: number;
  /** Bytes of a core dump; 0 when absent. */
  readonly core?: number;
  /** Bytes of one file that it writes. */
  readonly fsize?: number;
}

/** A process for ever, as in Ref. */
export interface KnownProcess {
  readonly pid: number;
  readonly startTime: string;
}

/** Rules and devices of one instance in the network of the server. */
export interface RefNetwork {
  /** Its uid may reach no more of loopback than this. */
  readonly loopback?: readonly AllowedAddress[];
  /** Its own address behind a pair of devices, and the name of the machine's end. */
  readonly egress?: {
    readonly address: string;
    readonly device: string;
    readonly allow: readonly AllowedAddress[];
  };
}

/** The same thing as a handle, as plain data: saved before anyone is told of the instance. */
export interface Ref {
  readonly version: 1;
  readonly backend: BackendId;
  readonly run: string;
  readonly pid: number;
  /** Start time of the pid in clock ticks since boot (proc_pid_stat(5), field 22); on macOS `ps -o lstart`. With pid and boot it proves identity. */
  readonly startTime: string;
  /** /proc/sys/kernel/random/boot_id; empty where there is none. */
  readonly bootId: string;
  readonly address: Address;
  /** Absolute path of the cgroup, when there is one. */
  readonly cgroup: string | undefined;
  /** Absolute paths of groups of cgroup v1, where controllers are not on v2. */
  readonly legacyCgroups?: readonly string[];
  readonly uid: number | undefined;
  /** The uid is this instance's alone (Identity.exclusive). */
  readonly exclusive?: boolean;
  /** Pid 1 of the instance's own pid namespace, as this machine numbers it: its death is the death of everything in there. */
  readonly init?: KnownProcess;
  /** The program that waits for `init`; when it is killed, so is `init`. */
  readonly guard?: KnownProcess;
  /** The unit that it is, and which run of the unit: 32 hex digits that never come again. */
  readonly unit?: { readonly name: string; readonly invocation: string };
  /** As in Spec: the app listens on this port of its own network. */
  readonly forwardTo?: number;
  /** The same in the machine's network, where others may listen as well. */
  readonly forwardToHost?: number;
  /** What was set up for it in the machine's network and has to be taken away after its end. */
  readonly net?: RefNetwork;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly oom: boolean;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** True when the process was adopted: its status went to another parent and `code` and `signal` are null. */
  readonly unknown: boolean;
}

export interface StopOptions {
  /** Milliseconds between TERM to the app and KILL to the whole tree. 0 kills at once. */
  readonly graceMs: number;
}

export interface Stats {
  /** Bytes: the cgroup's where there is a memory controller, else the sum of the tree's resident sets. */
  readonly memoryBytes: number;
  /** CPU seconds used so far by the processes that live. */
  readonly cpuSecs: number;
  readonly tasks: number;
}

/** A live grip on one instance. */
export interface Handle {
  readonly ref: Ref;
  readonly address: Address;
  /** Settles once and never rejects, when the app's main process has ended. Others of its tree may still live: call stop. */
  readonly exited: Promise<Exit>;
  /** Idempotent. TERM to the app, KILL to the whole tree after the grace; resolves when *nothing* of the instance is left. */
  stop(options: StopOptions): Promise<void>;
  /**
   * Lets go without stopping: no timer and no listener of this handle remains, and it no longer keeps our process alive. The last call
   * on a handle: `exited` may then never settle.
   */
  detach(): void;
  // --- facets: present or absent, never "not supported" at call time ---
  readonly freezer?: {
    /** Rejects when not all of it could be held; thaw or stop it then. */
    freeze(): Promise<void>;
    /** Idempotent; overtakes a freeze under way. */
    thaw(): Promise<void>;
    /** In whole or in part, also by an earlier server. */
    isFrozen(): Promise<boolean>;
  };
  readonly stats?: () => Promise<Stats>;
  /** Who listens on `address`: this instance, a stranger or nobody. Absent where the OS cannot tell. */
  readonly listener?: () => Promise<'own' | 'stranger' | 'none'>;
}

/** The answer of `adopt`. */
export type Adoption =
  /** Provably the same process. */
  | { readonly kind: 'adopted'; readonly handle: Handle }
  /** Nothing of that run is alive any more. */
  | { readonly kind: 'gone' }
  /** Something lives that may be the instance but is not proven to be: it is left alone. `reason` names pids. */
  | { readonly kind: 'unproven'; readonly reason: string };

/** What can be said of an earlier run of which perhaps no ref was saved (the supervisor died between spawn and save). */
export interface Trace {
  readonly run: string;
  readonly cgroup: string | undefined;
}

export type Support =
  | { readonly supported: true }
  | { readonly supported: false; readonly code: ErrorCode; readonly reason: string; readonly remedy: string };

export interface Backend {
  readonly id: BackendId;
  /** Never throws. */
  probe(host: Host, sandbox?: Spec['sandbox']): Support;
  /**
   * Resolves once the OS has accepted the process (exec succeeded), *not* once it is ready. If it rejects nothing is left behind.
   * @throws TenementError `start_failed` (command not found, not executable), `path_unreachable`.
   */
  spawn(spec: Spec, signal: AbortSignal): Promise<Handle>;
  /** Never starts anything. */
  adopt(ref: Ref): Promise<Adoption>;
  /** Facet of a backend whose instances are started by whoever connects to them, also while no server runs. */
  readonly sockets?: Sockets;
}

/** Which instance. */
export interface InstanceName {
  readonly service: string;
  readonly tenant: string;
}

/** What listens for an instance whether it runs or not. */
export interface Standing {
  readonly address: Address;
  /** As in Spec. */
  readonly forwardTo?: number;
}

/**
 * The sockets that outlive the runs of their instances. `spawn` makes what is needed, or goes on with what is there if it is the same; a handle's
 * `stop` ends the run and leaves the socket.
 */
export interface Sockets {
  /** Undefined when nothing listens. */
  known(name: InstanceName): Promise<Standing | undefined>;
  /** The port that was kept for it when it was last listened for, whether or not systemd does so still: that is not asked. */
  port(name: InstanceName): Promise<number | undefined>;
  /** Has it listened for, without starting it. @throws TenementError as `spawn` */
  open(spec: Spec): Promise<void>;
  /** Ends the listening: nothing is started by a connection any more. What runs, runs on. Idempotent. */
  shut(name: InstanceName): Promise<void>;
  /** Ends the listening, then what runs, and takes away all that was made for it. Idempotent. */
  close(name: InstanceName, options: StopOptions): Promise<void>;
  /** The run that is under way, whoever started it. */
  running(name: InstanceName): Promise<Handle | undefined>;
  /** Called each time that it may have been started. Returns how to end that. */
  watch(name: InstanceName, onStart: () => void): () => void;
}

/** The outcome of doing something once to see whether it works. */
export interface Trial {
  readonly works: boolean;
  /** What the programs said when it does not. */
  readonly reason: string;
}

/** What this machine can do, probed once by host.ts. */
export interface Host {
  readonly platform: NodeJS.Platform;
  readonly root: boolean;
  /** Absolute path of a cgroup v2 directory in which we may make groups (with or without controllers), or undefined. */
  readonly cgroupRoot: string | undefined;
  /** Controllers enabled there: memory, cpu, pids, io. */
  readonly controllers: readonly string[];
  /** Directories of cgroup v1 in which we may make groups, for controllers that are not on v2. */
  readonly legacyCgroups?: Readonly<Partial<Record<'memory' | 'cpu' | 'pids' | 'freezer', string>>>;
  readonly bootId: string;
  /** Absolute paths of tools that were found: setpriv, unshare, bwrap, systemd-run, fallocate. */
  readonly tools: Readonly<Record<string, string | undefined>>;
  /** Whether an instance in namespaces could be started, with the machine's network or none; undefined: not tried. */
  readonly namespaces?: { readonly host: Trial; readonly none: Trial };
  /** Whether rules for what is sent over loopback, and for networks that reach out through this one, can be made; undefined: not tried. */
  readonly firewall?: { readonly loopback: Trial; readonly egress: Trial };
  /** Whether bubblewrap works; undefined: not tried. */
  readonly bubblewrap?: Trial;
  /** Whether systemd's manager answers, and what it can do; undefined: systemd is not the init. */
  readonly systemd?: Trial & {
    /** It could not be asked, because its message bus is away: for now, and not for good. */
    readonly away?: boolean;
    /** Where the tree of its cgroups (version 2) is. */
    readonly cgroups: string | undefined;
    /** Such as `252.39-1~deb12u2`. */
    readonly version?: string;
    /** Whether it can run something as a user that exists only for an instance; undefined: not tried. */
    readonly users?: Trial;
    /** Properties of units that it does not know and an instance therefore lacks. */
    readonly missing?: readonly string[];
  };
}
