/** Pure: the command line that starts an instance in bubblewrap (bwrap(1)). */
import { dropPrivilege, intoEnvironment, JOIN, type Launch } from './argv.js';
import { type Builder, beforeEnv, buildCommand, buildEnv } from './builder.js';
import type { Identity, Limits, Network } from './contract.js';
import { processLimits } from './limits.js';
import { START } from './namespace-argv.js';
import { lastSteps, pidOne, uplinkSteps } from './namespace-build.js';
import type { Forward } from './network/forward.js';
import { KEEP_NETWORK, ownNetwork } from './network/link.js';
import type { Uplink } from './network/uplink.js';
import { quote } from './private-root.js';
import { SHM_BYTES, TMP_BYTES } from './root-plan.js';
import type { SystemView } from './system-view.js';
import type { View } from './visible.js';

export interface Sandboxed {
  /** The command with its absolute path. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly home: string;
  readonly groups: readonly string[];
  readonly limits: Limits;
  /** Undefined: a user namespace is made, in which the instance keeps the uid that it has. */
  readonly identity: Identity | undefined;
  readonly network: Network;
  /** Whether a socket comes as fd 5. */
  readonly socket: boolean;
  /** As in Contained. */
  readonly link?: string;
  /** Connects its network, which has to be made around bubblewrap then. */
  readonly uplink?: Uplink;
  /** Whom it runs as with an uplink. */
  readonly self?: { readonly uid: number; readonly gid: number };
  readonly ready?: Promise<unknown> | undefined;
  /** Undefined: the same is done by a shell and setpriv. */
  readonly builder?: Builder | undefined;
  readonly forward?: Forward | undefined;
  readonly hostname: string | undefined;
  readonly system: SystemView;
  readonly views: readonly View[];
  /** Files of its own, such as /etc/passwd. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** encodeFilter's; undefined on an architecture without a table. */
  readonly filter: Buffer | undefined;
  readonly tools: { readonly bwrap: string; readonly setpriv: string; readonly unshare: string };
}

/** Of Launch.inputs: when to go on, where that has to be waited for; then options and filter, then the files. */
const FIRST_INPUT = 7;
/** What setpriv(1) in there needs to become another user, and gives up by that. */
const TO_CHANGE_USER = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'];
/** And what the forwarder's guard needs to end the app of another user. */
const TO_END_APP = ['CAP_KILL'];

/**
 * sh (joins) -> bwrap (stays; its child, pid 1, reaps and ends with the app) -> perl (drops, sets directory and environment), or setpriv, sh and env -> command.
 *
 * As root without a user namespace: pid 1 then stays root, its environment and memory out of the instance's reach, and what lies in directories
 * that the instance's user could not pass (interpreters under /root) can be shown to it. Namespaces of its own are refused by the filter.
 * No --die-with-parent: instances outlive a crash of the server.
 */
export function bubblewrapLaunch(sandboxed: Sandboxed): Launch {
  const { tools, groups, filter, link, ready } = sandboxed;
  const optionsInput = FIRST_INPUT + (ready === undefined ? 0 : 1);
  const firstFile = optionsInput + (filter === undefined ? 1 : 2);
  const options = bubblewrapOptions(sandboxed, firstFile);
  const inner =
    sandboxed.builder === undefined ? byShell(sandboxed) : byBuilder(sandboxed, sandboxed.builder);
  const around = aroundOf(sandboxed);
  return {
    file: '/bin/sh',
    args: [
      ...[
        '-c',
        `umask 022\n${link === undefined ? 'exec 6>&-; ' : KEEP_NETWORK}${JOIN}`,
        'tenement',
        ...groups,
        '',
      ],
      ...(link === undefined ? [] : ownNetwork(tools.unshare, link)),
      ...around.command,
      // Options travel in a pipe: they would show the machine's paths in pid 1's command line.
      ...[tools.bwrap, '--args', String(optionsInput)],
      ...(filter === undefined ? [] : ['--seccomp', String(optionsInput + 1)]),
      '--',
      ...inner.command,
    ],
    env: { ...inner.env, ...sandboxed.forward?.env, ...around.env },
    reports: true,
    staysOpen: true,
    guarded: sandboxed.forward !== undefined,
    between: around.between,
    inputs: [
      ...(ready === undefined ? [] : [ready.then(() => Buffer.from('go\n'))]),
      Buffer.from(options.map((option) => `${option}\0`).join('')),
      ...(filter === undefined ? [] : [filter]),
      ...sandboxed.files.map(({ text }) => Buffer.from(text)),
    ],
  };
}

/** MS_NOSUID, MS_NODEV, MS_NOEXEC (mount(2)). */
const PROC_FLAGS = 2 | 4 | 8;

interface Around {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly between: number;
}

/**
 * For a network that is connected from within a user namespace in which we may do that: unshare(1) -> sh (its pid 1, with which all ends that is in there)
 * -> perl (connects) -> bwrap, whose own namespaces are made in there, with none of its rights over the network.
 */
function aroundOf({ uplink, builder, tools }: Sandboxed): Around {
  if (uplink === undefined || builder === undefined) return { command: [], env: {}, between: 0 };
  const kinds = ['--user', '--map-root-user', '--pid', '--mount'];
  return {
    command: [
      ...[tools.unshare, ...kinds, '--fork', '--kill-child=KILL', '--propagation', 'slave', '--'],
      ...['/bin/sh', '-c', START, 'tenement', ...buildCommand(builder.perl)],
    ],
    env: {
      TENEMENT_START: pidOne(undefined),
      // bwrap looks for its children in /proc by the numbers that they have for it.
      ...beforeEnv([...uplinkSteps(uplink), ['mount', 'proc', '/proc', 'proc', PROC_FLAGS, ''], ['pass']]),
    },
    between: 2,
  };
}

interface Inner {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

function byBuilder(sandboxed: Sandboxed, { perl, arch }: Builder): Inner {
  const steps = lastSteps({
    ...sandboxed,
    waits: sandboxed.ready !== undefined,
    // Without root bwrap has taken all capabilities, and with them the right to bound them.
    bounds: sandboxed.identity !== undefined,
    first: [],
    last: [],
  });
  return {
    command: [...buildCommand(perl), ...sandboxed.command],
    env: buildEnv(arch, steps, sandboxed.env),
  };
}

function byShell(sandboxed: Sandboxed): Inner {
  const { identity, ready, tools } = sandboxed;
  const inner = intoEnvironment(sandboxed.command, sandboxed.env, {
    first: `${ready === undefined ? '' : 'read go <&7 || exit 1; exec 7<&-; '}${enter(sandboxed)}`,
    socket: sandboxed.socket,
  });
  return {
    command: [
      ...['/bin/sh', '-c', `${processLimits(sandboxed.limits)}exec "$@"`, 'tenement'],
      ...(identity === undefined ? [] : [tools.setpriv, ...dropPrivilege(identity), '--']),
      ...inner.command,
    ],
    env: inner.env,
  };
}

/** `firstFile`: the fd of the first of `files`. */
export function bubblewrapOptions(sandboxed: Omit<Sandboxed, 'tools'>, firstFile: number): string[] {
  const { system, views, files, identity, network, hostname, forward, uplink, self } = sandboxed;
  const kept = [...TO_CHANGE_USER, ...(forward === undefined ? [] : TO_END_APP)];
  const readOnly = (source: string, path = source): string[] => ['--ro-bind', source, path];
  return [
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    // With a link to the outside it is made before, by who may still reach both ends.
    ...(network === 'none' ? ['--unshare-net'] : []),
    ...(identity === undefined ? ['--unshare-user', '--disable-userns'] : ['--cap-drop', 'ALL']),
    ...(identity === undefined ? [] : kept.flatMap((name) => ['--cap-add', name])),
    // There it is root, and would keep what that has.
    ...(uplink === undefined ? [] : ['--cap-drop', 'ALL']),
    ...(uplink === undefined || self === undefined
      ? []
      : ['--uid', String(self.uid), '--gid', String(self.gid)]),
    ...(hostname === undefined ? [] : ['--hostname', hostname]),
    ...['--perms', '0755', '--dir', '/etc'],
    ...system.directories.flatMap((path) => readOnly(path)),
    ...[...system.targets]
      .filter(([path]) => !path.startsWith('/dev/'))
      .flatMap(([path, target]) => ['--symlink', target, path]),
    ...system.files.flatMap(({ path, source }) => readOnly(source, path)),
    ...files.flatMap(({ path }, i) => ['--perms', '0644', '--ro-bind-data', String(firstFile + i), path]),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...fresh('/dev/shm', '1777', SHM_BYTES),
    ...fresh('/tmp', '1777', TMP_BYTES),
    ...['--dir', '/run', '--dir', '/var'],
    ...['--symlink', '../tmp', '/var/tmp'],
    ...views.flatMap(viewOptions),
    // What is made above lies on a file system that the instance could write otherwise.
    ...['--remount-ro', '/'],
  ];
}

function viewOptions({ path, access, kind }: View): string[] {
  // bwrap would let nobody but root pass what it makes on the way. Directories that lead to data can be entered and not listed.
  const way = parents(path).flatMap((parent) => [
    '--perms',
    access === 'read' ? '0755' : '0711',
    '--dir',
    parent,
  ]);
  if (access === 'write') return [...way, '--bind', path, path];
  if (access === 'read') return [...way, '--ro-bind', path, path];
  if (kind === 'directory') return fresh(path, '0711', 65_536);
  return ['--ro-bind', '/dev/null', path];
}

/** From the root's child down to the directory that `path` is in. */
function parents(path: string): string[] {
  const names = path.split('/').slice(1, -1);
  return names.map((_, i) => `/${names.slice(0, i + 1).join('/')}`);
}

/** Its number of files cannot be limited (bwrap(1)). */
function fresh(path: string, mode: string, bytes: number): string[] {
  return ['--perms', mode, '--size', String(bytes), '--tmpfs', path];
}

/** As the app's user: root would follow symlinks that the tenant has put there. */
function enter({ directory, home }: Sandboxed): string {
  return `[ -d ${quote(home)} ] || mkdir -p ${quote(home)} || exit 1; cd ${quote(directory)} || exit 1; `;
}
