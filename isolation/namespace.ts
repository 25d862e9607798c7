/** The `namespace` backend: an own file system, own processes and, if wanted, an own network, by util-linux and perl, or a shell. Linux only. */
import { readFile } from 'node:fs/promises';
import { TenementError } from '../src/base/errors.js';
import { adopt } from './adopt.js';
import type { Launch } from './argv.js';
import { builderOf } from './builder.js';
import { resolveSpec, startContained, withNetwork } from './contained.js';
import type { Backend, Handle, Host, Network, Spec, Support } from './contract.js';
import type { Groups } from './groups.js';
import { processLimits } from './limits.js';
import { namespaceLaunch } from './namespace-argv.js';
import { builtLaunch } from './namespace-build.js';
import { forwardOf } from './network/forward.js';
import type { PreparedNetwork } from './network/network.js';
import { rootScript } from './private-root.js';
import { planRoot } from './root-plan.js';
import { systemView } from './system-view.js';

export function createNamespaceBackend(host: Host): Backend {
  return {
    id: 'namespace',
    probe: () => probe(host),
    spawn: (spec, signal) => withNetwork(spec, host, (network) => start(spec, host, network, signal)),
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
  const trial = host.namespaces?.[network === 'host' ? 'host' : 'none'];
  if (trial?.works !== false) return;
  throw new TenementError(
    'isolation_unavailable',
    `network = "${network}" does not work here: ${trial.reason}`,
    {
      hint: 'It needs ip of iproute2 and network namespaces. `network = "host"` works without.',
    },
  );
}

async function start(
  spec: Spec,
  host: Host,
  preparing: Promise<PreparedNetwork>,
  signal: AbortSignal,
): Promise<Handle> {
  checkNetwork(spec.network ?? 'host', host);
  const resolved = await resolveSpec(spec, host);
  const outside = await preparing;
  const plan = planRoot({
    system: await systemView(),
    resolvConf: outside.resolvConf,
    views: resolved.views,
    identity: spec.identity,
    home: resolved.home,
    // Only root may give a name.
    hostname: host.root ? spec.hostname : undefined,
    hosts: await readFile('/etc/hosts', 'utf8').catch(() => ''),
    unprivileged: spec.identity === undefined,
  });
  const builder = builderOf(host);
  const prepare = (groups: Groups): Launch => {
    const contained = {
      ...resolved,
      directory: spec.directory,
      groups: groups.procs,
      identity: spec.identity,
      network: spec.network ?? 'host',
      socket: spec.socket !== undefined,
      ready: outside.ready,
      ...(outside.link !== undefined && { link: outside.link }),
      ...(outside.uplink !== undefined && { uplink: outside.uplink }),
      forward: forwardOf(spec, host),
      tools: { unshare: host.tools.unshare ?? 'unshare', setpriv: host.tools.setpriv ?? 'setpriv' },
    };
    const limits = spec.limits ?? {};
    return builder !== undefined
      ? builtLaunch({ ...contained, builder, plan, limits })
      : namespaceLaunch({ ...contained, limits: processLimits(limits), root: rootScript(plan) });
  };
  return startContained('namespace', spec, host, outside, prepare, signal);
}
