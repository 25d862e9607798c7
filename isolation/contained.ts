/** What the backends that give an instance its own root and processes have in common, whatever tool they use. */
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TenementError } from '../src/base/errors.js';
import type { Launch } from './argv.js';
import type { BackendId, Handle, Host, KnownProcess, Ref, Spec } from './contract.js';
import { execute, type Started } from './execute.js';
import { type Groups, prepareGroups } from './groups.js';
import { createHandle } from './handle.js';
import { interpreterRoots } from './interpreter.js';
import { childLife } from './life.js';
import { type PreparedNetwork, prepareNetwork, releaseNetwork } from './network/network.js';
import { checkDirectory, checkEnvironment, checkIdentity } from './prepare.js';
import { childrenOf, RUN_MARKER, readStat } from './proc.js';
import { treeOf } from './tree.js';
import { isVisible, type View, viewsOf } from './visible.js';
import { which } from './which.js';

/** A spec that has been checked, with what was looked up for it. */
export interface Resolved {
  readonly env: Readonly<Record<string, string>>;
  /** With its absolute path. */
  readonly command: readonly [string, ...string[]];
  readonly views: readonly View[];
  readonly home: string;
}

/** The wrapper, our child, and pid 1 of its namespace: both are in the groups beside the app's processes. So are the forwarder with its guard, and what connects its network. */
const WRAPPERS = 2;

/** @throws TenementError `start_failed`, `isolation_unavailable`, `path_unreachable` */
export async function resolveSpec(spec: Spec, host: Host): Promise<Resolved> {
  const env = { ...spec.env, [RUN_MARKER]: spec.run };
  checkEnvironment(env);
  checkIdentity(spec, host);
  checkUser(spec, host);
  checkSocket(spec);
  await checkDirectory(spec.directory);
  const [name, ...args] = spec.command;
  // Not as the instance's user: what it can reach is decided by what is mounted.
  const find = (program: string): Promise<string> =>
    which(program, { env, directory: spec.directory, identity: undefined });
  const file = await find(name);
  const views = await viewsOfSpec(spec, file, (program) => find(program).catch(() => undefined));
  await checkVisible(file, views);
  await checkArguments(args, views);
  return { env, command: [file, ...args], views, home: spec.files?.home ?? '/tmp' };
}

/** With what of its network is outside prepared at the same time as the rest of the start. When it rejects nothing of that is left. */
export async function withNetwork<T>(
  spec: Spec,
  host: Host,
  start: (network: Promise<PreparedNetwork>) => Promise<T>,
): Promise<T> {
  const network = prepareNetwork(spec, host);
  // It is looked at later, which Node would take for never.
  network.catch(() => undefined);
  try {
    return await start(network);
  } catch (error) {
    const { net, ready } = await network.catch((): PreparedNetwork => ({}));
    await ready?.catch(() => undefined);
    const { uid } = spec.identity ?? {};
    // What matters is why it was not started. Rules for what does not run do no harm.
    if (net !== undefined) await releaseNetwork({ run: spec.run, uid, net }, host).catch(() => undefined);
    throw error;
  }
}

/** Joins its groups, starts, and finds out which process is the app. When it rejects nothing is left. */
export async function startContained(
  backend: BackendId,
  spec: Spec,
  host: Host,
  { net, uplink }: PreparedNetwork,
  prepare: (groups: Groups) => Launch,
  signal: AbortSignal,
): Promise<Handle> {
  signal.throwIfAborted();
  // In bubblewrap it is connected from a namespace around it, which takes two processes more.
  const connecting = uplink === undefined ? 0 : backend === 'sandbox' ? 3 : 1;
  const helpers = (spec.forwardTo === undefined ? 0 : 2) + connecting;
  const groups = await prepareGroups(spec, host, WRAPPERS + helpers);
  try {
    const launch = prepare(groups);
    const started = await execute(spec, launch, signal);
    const inside = insiders(started, launch);
    const ref: Ref = {
      version: 1,
      backend,
      run: spec.run,
      ...inside.main,
      bootId: host.bootId,
      address: spec.address,
      cgroup: groups.cgroup,
      ...(groups.legacy.length > 0 && { legacyCgroups: groups.legacy }),
      uid: spec.identity?.uid,
      exclusive: spec.identity?.exclusive ?? false,
      ...(inside.init && { init: inside.init, guard: inside.guard }),
      ...(spec.forwardTo !== undefined && { forwardTo: spec.forwardTo }),
      ...(net !== undefined && { net }),
      startedAt: Date.now(),
    };
    return createHandle(ref, host, childLife(started.child, ref), treeOf(ref, host));
  } catch (error) {
    await groups.remove();
    throw error;
  }
}

/** What would run as real root, or share a uid with the server, is not isolated. */
function checkUser(spec: Spec, host: Host): void {
  const ownUid = spec.identity === undefined ? host.root : spec.identity.uid === 0;
  if (!ownUid) return;
  throw new TenementError('isolation_unavailable', 'an isolated instance cannot run as root', {
    hint: 'Set `user = "auto"` for the service, or the name of a user.',
  });
}

/**
 * A TCP socket belongs to the network and the user that it was made in and by. Whoever has it can make it stop listening and connect it to
 * whatever is in that network (connect(2) with AF_UNSPEC, then again): siblings, the management API. A Unix socket that listens can only listen.
 */
function checkSocket({ socket, forwardTo, address, network = 'host', allowLocal }: Spec): void {
  const shared = network === 'host' && allowLocal === undefined;
  if (socket === undefined || forwardTo !== undefined || shared || 'path' in address) return;
  throw new TenementError(
    'isolation_unavailable',
    'an instance that gets a TCP socket from outside could use it to connect to what is outside',
    { hint: 'Hand over a Unix socket.' },
  );
}

function viewsOfSpec(
  spec: Spec,
  file: string,
  find: (program: string) => Promise<string | undefined>,
): Promise<View[]> {
  return interpreterRoots(file, find).then((roots) =>
    viewsOf([
      { path: spec.directory, access: 'read', because: 'the working directory' },
      ...roots.map((path) => ({ path, access: 'read' as const, because: undefined })),
      ...(spec.files?.readOnly ?? []).map((path) => ({
        path,
        access: 'read' as const,
        because: 'in `read_only_paths`',
        named: true,
      })),
      ...(spec.files?.writable ?? []).map((path) => ({
        path,
        access: 'write' as const,
        because: 'to be writable',
        named: true,
      })),
      ...(spec.files?.hidden ?? []).map((path) => ({ path, access: 'hide' as const, because: undefined })),
    ]),
  );
}

async function checkVisible(file: string, views: readonly View[]): Promise<void> {
  const real = await realpath(file);
  if (isVisible(file, views) && isVisible(real, views)) return;
  throw new TenementError('path_unreachable', `the instance cannot see its own command ${real}`, {
    hint: `Add its directory to the service's \`read_only_paths\`.`,
  });
}

/** A script that the interpreter would not find: all that it can say is that there is no such file, which its owner knows better. */
async function checkArguments(args: readonly string[], views: readonly View[]): Promise<void> {
  for (const arg of args) {
    if (!arg.startsWith('/') || isVisible(arg, views)) continue;
    const isFile = await stat(arg).then(
      (stats) => stats.isFile(),
      () => false,
    );
    if (!isFile) continue;
    throw new TenementError('path_unreachable', `the instance cannot see ${arg}, which its command names`, {
      hint: `Add ${dirname(arg)} to the service's \`read_only_paths\`, or set \`workdir\` to the directory of the app.`,
    });
  }
}

/** The app and pid 1 of its namespace. Either may have ended already; then the wrapper, our child, stands for the app. */
function insiders(
  { child, startTime }: Started,
  { guarded = false, between = 0 }: Pick<Launch, 'guarded' | 'between'>,
): {
  main: KnownProcess;
  init: KnownProcess | undefined;
  guard: KnownProcess;
} {
  const known = (pid: number | undefined): KnownProcess | undefined => {
    const stat = pid === undefined ? undefined : readStat(pid);
    return stat === undefined ? undefined : { pid: stat.pid, startTime: stat.startTime };
  };
  const init = known(childrenOf(child.pid)[0]);
  let first = init?.pid;
  for (let i = 0; i <= between && first !== undefined; i += 1) [first] = childrenOf(first);
  const [, ...rest] = first === undefined || !guarded ? [] : childrenOf(first);
  const app = known(guarded ? rest.at(-1) : first);
  const guard = { pid: child.pid, startTime };
  return { main: app ?? guard, init, guard };
}
