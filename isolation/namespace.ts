/** The `namespace` backend: an own file system, own processes and, if wanted, an own network, by util-linux and a shell. Linux only. */
import { readFile, realpath } from 'node:fs/promises';
import { TenementError } from '../src/base/errors.js';
import { adopt } from './adopt.js';
import type { Backend, Handle, Host, KnownProcess, Network, Ref, Spec, Support } from './contract.js';
import { execute, type Started } from './execute.js';
import { prepareGroups } from './groups.js';
import { createHandle } from './handle.js';
import { interpreterRoots } from './interpreter.js';
import { childLife } from './life.js';
import { processLimits } from './limits.js';
import { loadFilter } from './load-filter.js';
import { namespaceLaunch } from './namespace-argv.js';
import { checkDirectory, checkEnvironment, checkIdentity } from './prepare.js';
import { rootScript } from './private-root.js';
import { childrenOf, RUN_MARKER, readStat } from './proc.js';
import { planRoot } from './root-plan.js';
import { isFilterArch } from './seccomp.js';
import { systemView } from './system-view.js';
import { treeOf } from './tree.js';
import { isVisible, type View, viewsOf } from './visible.js';
import { which } from './which.js';

export function createNamespaceBackend(host: Host): Backend {
  return {
    id: 'namespace',
    probe: () => probe(host),
    spawn: (spec, signal) => start(spec, host, signal),
    adopt: (ref) => adopt(ref, host),
  };
}

function probe(host: Host): Support {
  const refuse = (reason: string, remedy: string): Support => ({
    supported: false,
    code: 'isolation_unavailable',
    reason: `isolation = "namespace" does not work here: ${reason}`,
    remedy,
  });
  if (host.platform !== 'linux') {
    return refuse('only Linux has namespaces', 'Use `isolation = "process"` for code that you trust.');
  }
  const trial = host.namespaces?.host ?? { works: false, reason: 'it was not tried' };
  if (!trial.works) return refuse(trial.reason, remedy(trial.reason, host));
  return { supported: true };
}

function remedy(reason: string, host: Host): string {
  if (reason.includes('not found')) return 'Install util-linux, mount and coreutils.';
  if (host.root)
    return 'In a container, allow it to make namespaces and mounts (CAP_SYS_ADMIN, no seccomp or AppArmor profile against it).';
  return (
    'Run the server as root, or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 (Debian), ' +
    'kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), user.max_user_namespaces above 0.'
  );
}

/** @throws TenementError `isolation_unavailable`, `not_yet` */
function checkNetwork(network: Network, host: Host): void {
  if (network === 'egress')
    throw new TenementError('not_yet', 'network = "egress" is not in this version yet');
  const trial = host.namespaces?.[network];
  if (trial?.works !== false) return;
  throw new TenementError(
    'isolation_unavailable',
    `network = "${network}" does not work here: ${trial.reason}`,
    {
      hint: 'It needs ip of iproute2 and network namespaces. `network = "host"` works without.',
    },
  );
}

async function start(spec: Spec, host: Host, signal: AbortSignal): Promise<Handle> {
  const env = { ...spec.env, [RUN_MARKER]: spec.run };
  checkEnvironment(env);
  checkIdentity(spec, host);
  checkUser(spec, host);
  checkNetwork(spec.network ?? 'host', host);
  await checkDirectory(spec.directory);
  const [name, ...args] = spec.command;
  const find = (program: string): Promise<string> =>
    which(program, { env, directory: spec.directory, identity: undefined });
  const file = await find(name);
  const views = await viewsOfSpec(spec, file, (program) => find(program).catch(() => undefined));
  await checkVisible(file, views);
  const home = spec.files?.home ?? '/tmp';
  signal.throwIfAborted();
  const groups = await prepareGroups(spec, host, 2);
  const prepared = namespaceLaunch({
    command: [file, ...args],
    env,
    directory: spec.directory,
    home,
    groups: groups.procs,
    limits: processLimits(spec.limits ?? {}),
    identity: spec.identity,
    network: spec.network ?? 'host',
    root: rootScript(
      planRoot({
        system: await systemView(),
        views,
        identity: spec.identity,
        home,
        // Only root may give a name.
        hostname: host.root ? spec.hostname : undefined,
        hosts: await readFile('/etc/hosts', 'utf8').catch(() => ''),
        unprivileged: spec.identity === undefined,
      }),
    ),
    lock: lockOf(host),
    tools: { unshare: host.tools.unshare ?? 'unshare', setpriv: host.tools.setpriv ?? 'setpriv' },
  });
  try {
    const started = await execute(spec, prepared, signal);
    const inside = insiders(started);
    const ref: Ref = {
      version: 1,
      backend: 'namespace',
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

function lockOf(host: Host): readonly string[] | 'limit' {
  const { perl } = host.tools;
  return perl !== undefined && isFilterArch(process.arch) ? loadFilter(perl, process.arch) : 'limit';
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
