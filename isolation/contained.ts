/** What the backends that give an instance its own root and processes have in common, whatever tool they use. */
import { realpath } from 'node:fs/promises';
import { TenementError } from '../src/base/errors.js';
import type { Launch } from './argv.js';
import type { BackendId, Handle, Host, KnownProcess, Ref, Spec } from './contract.js';
import { execute, type Started } from './execute.js';
import { type Groups, prepareGroups } from './groups.js';
import { createHandle } from './handle.js';
import { interpreterRoots } from './interpreter.js';
import { childLife } from './life.js';
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

/** The wrapper, our child, and pid 1 of its namespace: both are in the groups beside the app's processes. */
const WRAPPERS = 2;

/** @throws TenementError `start_failed`, `isolation_unavailable`, `path_unreachable` */
export async function resolveSpec(spec: Spec, host: Host): Promise<Resolved> {
  const env = { ...spec.env, [RUN_MARKER]: spec.run };
  checkEnvironment(env);
  checkIdentity(spec, host);
  checkUser(spec, host);
  await checkDirectory(spec.directory);
  const [name, ...args] = spec.command;
  // Not as the instance's user: what it can reach is decided by what is mounted.
  const find = (program: string): Promise<string> =>
    which(program, { env, directory: spec.directory, identity: undefined });
  const file = await find(name);
  const views = await viewsOfSpec(spec, file, (program) => find(program).catch(() => undefined));
  await checkVisible(file, views);
  return { env, command: [file, ...args], views, home: spec.files?.home ?? '/tmp' };
}

/** Joins its groups, starts, and finds out which process is the app. When it rejects nothing is left. */
export async function startContained(
  backend: BackendId,
  spec: Spec,
  host: Host,
  prepare: (groups: Groups) => Launch,
  signal: AbortSignal,
): Promise<Handle> {
  signal.throwIfAborted();
  const groups = await prepareGroups(spec, host, WRAPPERS);
  try {
    const started = await execute(spec, prepare(groups), signal);
    const inside = insiders(started);
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
      })),
      ...(spec.files?.writable ?? []).map((path) => ({
        path,
        access: 'write' as const,
        because: 'to be writable',
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

/** The app and pid 1 of its namespace. Either may have ended already; then the wrapper, our child, stands for the app. */
function insiders({ child, startTime }: Started): {
  main: KnownProcess;
  init: KnownProcess | undefined;
  guard: KnownProcess;
} {
  const known = (pid: number | undefined): KnownProcess | undefined => {
    const stat = pid === undefined ? undefined : readStat(pid);
    return stat === undefined ? undefined : { pid: stat.pid, startTime: stat.startTime };
  };
  const init = known(childrenOf(child.pid)[0]);
  const app = init === undefined ? undefined : known(childrenOf(init.pid)[0]);
  const guard = { pid: child.pid, startTime };
  return { main: app ?? guard, init, guard };
}
