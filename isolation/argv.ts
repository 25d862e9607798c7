/** Pure: the command lines that bring a process into its cgroup and under its own user before the app's first instruction. */

import type { Identity } from './contract.js';
import { RUN_MARKER } from './proc.js';

const SHELL = '/bin/sh';
const ENV = '/usr/bin/env';

/** What node:child_process' spawn needs. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** fd 3 is a pipe on which the wrappers write `ok` right before the app is executed, or else why they failed. */
  readonly reports: boolean;
  /** Something else than the app keeps fd 3 open: the report ends with `ok`, not with the pipe. */
  readonly staysOpen?: boolean;
  /** How many processes there are between pid 1 and what is its child elsewhere. */
  readonly between?: number;
  /** Between pid 1 and the app there is a guard, which has what passes connections on as its other, first child. */
  readonly guarded?: boolean;
  /** What can be read from fd 7, 8 ..., at once or once it is there. */
  readonly inputs?: readonly (Buffer | Promise<Buffer>)[];
}

export interface Wrapped {
  /** The command with its absolute path. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** cgroup.procs of the groups to join. */
  readonly groups: readonly string[];
  /** Shell code that sets limits of processes; empty or ending in a line break. */
  readonly limits: string;
  readonly identity: Identity | undefined;
  /** Whether a socket comes as fd 5. */
  readonly socket: boolean;
  /** Path of setpriv(1); needed with an identity. */
  readonly setpriv: string | undefined;
}

/** What the wrappers write to fd 3 when all went well. */
export const REPORT_OK = 'ok\n';

/**
 * Joins the groups as root, while that is still possible: their cgroup.procs are the arguments up to an empty one. Complaints go to fd 3;
 * the app's own stderr waits on fd 4.
 */
export const JOIN =
  'exec 4>&2 2>&3; while [ -n "$1" ]; do echo 0 > "$1" || exit 1; shift; done; shift; exec "$@"';

/** Names that a shell treats as its own (read-only, checked or set by it): they go past the shell, through env(1). */
const SHELL_NAMES =
  /^(_|PWD|OLDPWD|SHLVL|IFS|ENV|PPID|UID|EUID|GID|EGID|GROUPS|OPT(IND|ARG|ERR)|LINENO|RANDOM|SECONDS|FUNCNAME|DIRSTACK|HIST\w*|BASH\w*|SHELLOPTS|POSIXLY_CORRECT|PS\d|MAIL\w*)$/;

/** Names that some shells add to the environment of what they execute. */
const ADDED_BY_SHELLS = ['_', 'OLDPWD', 'PWD', 'SHLVL'];

/** Environment variable names that can reach the app; others would be dropped by the shell on the way. */
export function isEnvironmentName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** setpriv(1)'s options: another user with no groups, no capabilities and no way to gain any. */
export function dropPrivilege(identity: Identity): string[] {
  return [
    '--reuid',
    String(identity.uid),
    '--regid',
    String(identity.gid),
    '--clear-groups',
    '--no-new-privs',
    '--inh-caps=-all',
    '--ambient-caps=-all',
    '--bounding-set=-all',
  ];
}

/**
 * Without group, limits and identity: the command itself. Else sh (joins) -> setpriv (drops) -> sh (sets the environment) -> env -> command,
 * all by exec: one pid from beginning to end.
 *
 * The app's environment travels under harmless names and gets its own only after the privileges are gone. Otherwise whoever may set an
 * instance's env could name a library in LD_PRELOAD and have root's shell load it. It travels in the environment, not in arguments,
 * because arguments show in `ps`.
 */
export function launch(wrapped: Wrapped): Launch {
  const { command, identity, groups, limits, socket } = wrapped;
  if (groups.length === 0 && limits === '' && identity === undefined && !socket) {
    const [file, ...args] = command;
    return { file, args, env: wrapped.env, reports: false };
  }
  const drop = identity === undefined ? [] : [wrapped.setpriv ?? 'setpriv', ...dropPrivilege(identity), '--'];
  const inner = intoEnvironment(command, wrapped.env, { socket });
  return {
    file: SHELL,
    args: [...['-c', `${limits}${JOIN}`, 'tenement', ...groups, ''], ...drop, ...inner.command],
    env: inner.env,
    reports: true,
  };
}

/**
 * The last part of every chain of wrappers: a command that gives the app its environment and executes it, and the environment in which
 * the app's travels until then. `first` is shell code to be done before, already as the app's user; it must not fail quietly.
 * `socket`: fd 5 becomes the app's fd 3.
 */
export function intoEnvironment(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  { first = '', socket = false }: { readonly first?: string; readonly socket?: boolean } = {},
): { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const names = Object.keys(env).filter((name) => name !== RUN_MARKER);
  const carried = names.filter((name) => !SHELL_NAMES.test(name));
  const past = names.filter((name) => SHELL_NAMES.test(name));
  return {
    command: [
      ...[SHELL, '-c', `${first}${setEnvironment(carried.length, socket)}`, 'tenement'],
      ...[ENV, ...ADDED_BY_SHELLS.flatMap((name) => ['-u', name])],
      ...past.map((name) => `${name}=${env[name]}`),
      ...command,
    ],
    env: {
      [RUN_MARKER]: env[RUN_MARKER] ?? '',
      ...Object.fromEntries(carried.map((name, i) => [carrier(i), `${name}=${env[name]}`])),
    },
  };
}

function setEnvironment(count: number, socket: boolean): string {
  const carriers = Array.from({ length: count }, (_, i) => carrier(i));
  const exports = carriers.map((name) => `export "$${name}"; unset ${name}; `).join('');
  if (!socket) return `${exports}echo ok >&3; exec "$@" 2>&4 3>&- 4>&-`;
  // Every step from here on is the same process: its pid is the app's.
  return `${exports}export LISTEN_FDS=1 LISTEN_PID=$$; echo ok >&3; exec "$@" 2>&4 3<&5 4>&- 5<&-`;
}

function carrier(i: number): string {
  return `TENEMENT_ENV_${i}`;
}
