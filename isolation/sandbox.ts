/** The `sandbox` backend: as `namespace`, by bubblewrap, and with a filter of system calls. Linux only. */
import { readFile } from 'node:fs/promises';
import { TenementError } from '../src/base/errors.js';
import { adopt } from './adopt.js';
import type { Launch } from './argv.js';
import { builderOf } from './builder.js';
import { resolveSpec, startContained, withNetwork } from './contained.js';
import type { Backend, Handle, Host, Spec, Support } from './contract.js';
import type { Groups } from './groups.js';
import { forwardOf } from './network/forward.js';
import type { PreparedNetwork } from './network/network.js';
import { nsjailProblem, prepareNsjail } from './nsjail.js';
import { ownFiles, withoutResolvConf } from './root-plan.js';
import { bubblewrapLaunch } from './sandbox-argv.js';
import { encodeFilter, filterProgram, isFilterArch } from './seccomp.js';
import { systemView } from './system-view.js';

export function createSandboxBackend(host: Host): Backend {
  return {
    id: 'sandbox',
    probe: (_, tool) => (tool === 'nsjail' ? nsjailSupport(host) : bubblewrapSupport(host)),
    spawn: (spec, signal) => withNetwork(spec, host, (network) => start(spec, host, network, signal)),
    adopt: (ref) => adopt(ref, host),
  };
}

/** It is never taken for who has not asked for it by name: our tests have never run it. */
function nsjailSupport(host: Host): Support {
  const problem = nsjailProblem(host);
  if (problem === undefined) return { supported: true };
  const { reason, remedy } = problem;
  return { supported: false, code: 'isolation_unavailable', reason: `sandbox = "nsjail": ${reason}`, remedy };
}

function bubblewrapSupport(host: Host): Support {
  const refuse = (reason: string, remedy: string): Support => ({
    supported: false,
    code: 'isolation_unavailable',
    reason: `isolation = "sandbox" does not work here: ${reason}`,
    remedy,
  });
  if (host.platform !== 'linux')
    return refuse('only Linux has namespaces', 'Use `isolation = "process"` for code that you trust.');
  if (host.tools.bwrap === undefined) return refuse('bwrap was not found', 'Install bubblewrap.');
  if (!isFilterArch(process.arch)) {
    return refuse(`there is no filter of system calls for ${process.arch}`, 'Use `isolation = "namespace"`.');
  }
  const trial = host.bubblewrap ?? { works: false, reason: 'it was not tried' };
  if (trial.works) return { supported: true };
  return refuse(
    trial.reason,
    host.root
      ? 'In a container, allow it to make namespaces and mounts.'
      : 'Run the server as root, or allow user namespaces; on Ubuntu bwrap needs an AppArmor profile for that.',
  );
}

async function start(
  spec: Spec,
  host: Host,
  preparing: Promise<PreparedNetwork>,
  signal: AbortSignal,
): Promise<Handle> {
  const network = spec.network ?? 'host';
  const { sandbox: tool = 'bubblewrap' } = spec;
  const support = bubblewrapSupport(host);
  if (tool === 'bubblewrap' && !support.supported) {
    throw new TenementError(support.code, support.reason, { hint: support.remedy });
  }
  const resolved = await resolveSpec(spec, host);
  const outside = await preparing;
  if (tool === 'nsjail') {
    if (outside.uplink !== undefined) {
      throw new TenementError(
        'isolation_unavailable',
        'with sandbox = "nsjail", network = "egress" needs root',
        { hint: 'Run the server as root, or leave `sandbox` out for bubblewrap.' },
      );
    }
    await outside.ready;
    const launch = await prepareNsjail(spec, host, resolved, outside);
    return startContained('sandbox', spec, host, outside, launch, signal);
  }
  const { resolvConf } = outside;
  const system = withoutResolvConf(await systemView(), resolvConf);
  const hosts = await readFile('/etc/hosts', 'utf8').catch(() => '');
  const { identity, hostname } = spec;
  const prepare = (groups: Groups): Launch =>
    bubblewrapLaunch({
      ...resolved,
      directory: spec.directory,
      groups: groups.procs,
      limits: spec.limits ?? {},
      builder: builderOf(host),
      ready: outside.ready,
      identity,
      network,
      socket: spec.socket !== undefined,
      ...(outside.link !== undefined && { link: outside.link }),
      ...(outside.uplink !== undefined && { uplink: outside.uplink, self: serverIdentity() }),
      forward: forwardOf(spec, host),
      hostname,
      system,
      files: ownFiles({
        identity: identity ?? serverIdentity(),
        home: resolved.home,
        unprivileged: false,
        hosts,
        hostname,
        resolvConf,
      }),
      filter: isFilterArch(process.arch) ? encodeFilter(filterProgram(process.arch)) : undefined,
      tools: {
        bwrap: host.tools.bwrap ?? 'bwrap',
        setpriv: host.tools.setpriv ?? 'setpriv',
        unshare: host.tools.unshare ?? 'unshare',
      },
    });
  return startContained('sandbox', spec, host, outside, prepare, signal);
}

function serverIdentity(): { uid: number; gid: number } {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
}
