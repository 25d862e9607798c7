/** Pure: the command line that starts a second program in the surroundings of a running one. */
import { dropPrivilege, intoEnvironment, JOIN, type Launch } from './argv.js';
import { type Entry, enterCommand } from './enter.js';
import { loadFilter } from './load-filter.js';
import { quote } from './private-root.js';
import type { Running } from './running.js';
import type { FilterArch } from './syscalls.js';

export interface Joining {
  readonly running: Running;
  readonly command: readonly [string, ...string[]];
  /** TERM and the like, of the terminal that it gets. */
  readonly extraEnv: Readonly<Record<string, string>>;
  /** Our own effective uid. */
  readonly self: number;
  readonly tools: { readonly setpriv: string; readonly perl: string | undefined };
  readonly arch: FilterArch | undefined;
}

/** Said on fd 3 when a group could not be joined, by whom only root can make join. */
export const NOT_JOINED = 'not joined';
/** As JOIN, for who has no right to move processes between groups: what is limited for the instance is not for this program then. */
const TRY_TO_JOIN = `exec 4>&2 2>&3; while [ -n "$1" ]; do { echo 0 > "$1"; } 2>/dev/null || echo '${NOT_JOINED}' >&3; shift; done; shift; exec "$@"`;

/** Told to a process about descriptors and sockets that only it has. */
const ITS_OWN = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'NOTIFY_SOCKET', 'WATCHDOG_PID'];

/**
 * sh (limits, joins) -> perl (enters; stays, and waits for its child) -> setpriv (drops) -> perl (filter) -> sh (directory, environment) -> env -> command.
 *
 * The environment is the instance's, which is hostile: it travels under harmless names until all privileges are gone (argv.ts).
 * @throws Error when it lies in namespaces or under a filter, and there is no perl
 */
export function execLaunch(joining: Joining): Launch {
  const { running, self, tools, arch, extraEnv } = joining;
  const { perl } = tools;
  const env = Object.fromEntries(
    Object.entries({ ...running.env, ...extraEnv }).filter(([name]) => !ITS_OWN.includes(name)),
  );
  const inner = intoEnvironment(joining.command, env, {
    first: `umask ${running.umask}; cd ${quote(running.directory)} || exit 1; `,
  });
  if ((perl === undefined || arch === undefined) && (running.namespaces.length > 0 || running.filtered))
    throw new Error('perl was not found, which enters namespaces and sets the filter of system calls');
  const become = becomes(running, self);
  const filter =
    running.filtered && perl !== undefined && arch !== undefined ? loadFilter(perl, arch) : undefined;
  return {
    file: '/bin/sh',
    args: [
      ...['-c', `${limitLines(running, self)}${self === 0 ? JOIN : TRY_TO_JOIN}`],
      ...['tenement', ...running.groups, ''],
      ...(running.namespaces.length > 0 && perl !== undefined && arch !== undefined
        ? enterCommand({ perl, arch, ...running, kinds: running.namespaces, become })
        : []),
      ...[tools.setpriv, '--pdeathsig', 'KILL', ...drop(running, self, become), '--'],
      ...(filter?.command ?? []),
      ...inner.command,
    ],
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...inner.env,
      ...filter?.env,
    },
    reports: true,
  };
}

/** In a user namespace, whose capabilities are given up on the way in. */
function becomes({ uid, gid, namespaces }: Running, self: number): Entry['become'] {
  return uid !== self && namespaces.includes('user') ? { uid, gid } : undefined;
}

function drop({ uid, gid, filtered }: Running, self: number, become: Entry['become']): string[] {
  if (become !== undefined) return ['--no-new-privs'];
  if (uid !== self) return dropPrivilege({ uid, gid });
  return filtered ? ['--no-new-privs'] : [];
}

/** Soft before hard where it sinks and after it where it rises; who may not raise a hard limit keeps his own, lower one. */
function limitLines({ limits }: Running, self: number): string {
  const otherwise = self === 0 ? 'exit 1' : ':';
  return limits
    .map(
      ({ option, soft, hard }) =>
        `{ ulimit -S -${option} ${soft} 2>/dev/null; ulimit -H -${option} ${hard} && ulimit -S -${option} ${soft}; } 2>/dev/null || ${otherwise}\n`,
    )
    .join('');
}
