/** Pure: the command line that starts an instance in namespaces of its own, by unshare(1) of util-linux. */
import { dropPrivilege, intoEnvironment, JOIN, type Launch } from './argv.js';
import type { Identity, Network } from './contract.js';
import type { Forward } from './network/forward.js';
import { KEEP_NETWORK } from './network/link.js';
import type { Uplink } from './network/uplink.js';
import { quote } from './private-root.js';

export interface NamespaceTools {
  readonly unshare: string;
  readonly setpriv: string;
}

export interface Contained {
  /** The command with its absolute path. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly home: string;
  /** cgroup.procs of each group to join. */
  readonly groups: readonly string[];
  /** Undefined: a user namespace is made, in which the instance is root without capabilities. */
  readonly identity: Identity | undefined;
  readonly network: Network;
  /** Whether a socket comes as fd 5. */
  readonly socket: boolean;
  /** Shell code that sets its own network up, while the machine's /proc and its own are still in reach; ends in a line break. */
  readonly link?: string;
  /** It goes into a network of its own by itself, where that can only be connected from outside. */
  readonly uplink?: Uplink;
  /** The app has to wait until it is fulfilled; whatever can be done before is. */
  readonly ready?: Promise<unknown> | undefined;
  /** What passes connections on to a port in there; the socket is then for it and not for the app. */
  readonly forward?: Forward | undefined;
  readonly tools: NamespaceTools;
}

/** Where there is no perl. */
export interface ContainedByShell extends Contained {
  /** Shell code that sets resource limits; empty or ending in a line break. */
  readonly limits: string;
  /** rootScript's. */
  readonly root: string;
}

const SHELL = '/bin/sh';
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** What is to be done as pid 1 travels in the environment: `ps` would show pages of it. */
export const START = 's=$TENEMENT_START; unset TENEMENT_START; eval "$s"';
const NO_MORE_USER_NAMESPACES = 'echo 0 > /proc/sys/user/max_user_namespaces || exit 1';
const NO_CAPABILITIES = ['--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all'];

/**
 * sh (joins, limits) -> unshare (stays: its child is pid 1) -> sh (builds the root; stays, reaps, ends with the app and takes everything with it)
 * -> setpriv (drops) -> unshare, sh, setpriv (no more user namespaces) -> sh (directory, home, environment) -> env -> command.
 *
 * No death signal between the server and unshare: instances outlive a crash of the server. Between unshare and its child there is one, as nothing
 * else can end with unshare. The privileges are dropped in pid 1's child, because a change of user clears the death signal (prctl(2)), and because
 * pid 1's memory and environment must not be the instance's to read.
 */
export function namespaceLaunch(contained: ContainedByShell): Launch {
  const inner = intoEnvironment(contained.command, contained.env, {
    first: enter(contained),
    socket: contained.socket,
  });
  return inNamespaces(contained, pidOne(contained), [...drop(contained), ...inner.command], inner.env);
}

/** `start`: what the shell does as pid 1, with `command` as its arguments. */
export function inNamespaces(
  contained: Contained,
  start: string,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Launch {
  const { tools, identity, network, link, groups, forward, ready } = contained;
  const ownNetwork = network !== 'host' && contained.uplink === undefined;
  const kinds = ['--pid', '--mount', '--ipc', '--uts', '--cgroup', ...(ownNetwork ? ['--net'] : [])];
  return {
    file: SHELL,
    args: [
      ...['-c', link === undefined ? JOIN : `${KEEP_NETWORK}${JOIN}`, 'tenement', ...groups, ''],
      tools.unshare,
      ...(identity === undefined ? ['--user', '--map-root-user'] : []),
      ...[...kinds, '--fork', '--kill-child=KILL', '--propagation', 'slave', '--'],
      ...[SHELL, '-c', START, 'tenement'],
      ...command,
    ],
    env: { ...env, TENEMENT_START: start, ...forward?.env },
    reports: true,
    staysOpen: true,
    guarded: forward !== undefined,
    ...(ready !== undefined && { inputs: [ready.then(() => Buffer.from('go\n'))] }),
  };
}

function pidOne({ root, identity, network, limits, link, ready }: ContainedByShell): string {
  return [
    `PATH=${SYSTEM_PATH}`,
    'umask 022',
    ...(link === undefined ? [] : [link]),
    root,
    ...(network === 'none' ? ['ip link set lo up || exit 1'] : []),
    limits,
    ...(ready === undefined ? [] : ['read go <&7 || exit 1', 'exec 6<&- 7<&-']),
    ...(identity === undefined ? [NO_MORE_USER_NAMESPACES] : []),
    // The shell itself would complain of the app's end there.
    'exec 2>/dev/null',
    // Not the last command, or a shell would execute it in its own place; in the foreground, as a shell lets what it starts in the background
    // ignore SIGINT and SIGQUIT. While it waits it reaps whatever else has lost its parent.
    '"$@" 2>&3',
    'exit $?',
  ]
    .filter((line) => line !== '')
    .map((line) => line.replace(/\n?$/, '\n'))
    .join('');
}

/**
 * Nothing may make user namespaces, in which it would be root again and reach more of the kernel. A limit on them can only be set in one: it gets one,
 * with nothing but its own uid in it, and gives its powers there up at once.
 */
function drop({ identity, tools }: ContainedByShell): string[] {
  if (identity === undefined) return [tools.setpriv, '--no-new-privs', ...NO_CAPABILITIES, '--'];
  const own = [`--map-user=${identity.uid}`, `--map-group=${identity.gid}`];
  return [
    ...[tools.setpriv, ...dropPrivilege(identity), '--'],
    ...[tools.unshare, '--user', ...own, '--keep-caps', '--'],
    ...[SHELL, '-c', `${NO_MORE_USER_NAMESPACES}; exec "$@"`, 'tenement'],
    ...[tools.setpriv, ...NO_CAPABILITIES, '--'],
  ];
}

/** As the app's user: root would follow symlinks that the tenant has put there. */
function enter({ directory, home }: Contained): string {
  return `[ -d ${quote(home)} ] || mkdir -p ${quote(home)} || exit 1; cd ${quote(directory)} || exit 1; `;
}
