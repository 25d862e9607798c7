/** The `sandbox` backend: as `namespace`, by bubblewrap, and with a filter of system calls. Linux only. */
import { readFile } from 'node:fs/promises';
import { TenementError } from '../src/base/errors.js';
import { adopt } from './adopt.js';
import type { Launch } from './argv.js';
import { resolveSpec, startContained } from './contained.js';
import type { Backend, Handle, Host, Spec, Support } from './contract.js';
import type { Groups } from './groups.js';
import { processLimits } from './limits.js';
import { ownFiles } from './root-plan.js';
import { bubblewrapLaunch } from './sandbox-argv.js';
import { encodeFilter, filterProgram, isFilterArch } from './seccomp.js';
import { systemView } from './system-view.js';

export function createSandboxBackend(host: Host): Backend {
  return {
    id: 'sandbox',
    probe: () => probe(host),
    spawn: (spec, signal) => start(spec, host, signal),
    adopt: (ref) => adopt(ref, host),
  };
}

function probe(host: Host): Support {
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

async function start(spec: Spec, host: Host, signal: AbortSignal): Promise<Handle> {
  const network = spec.network ?? 'host';
  if (network === 'egress')
    throw new TenementError('not_yet', 'network = "egress" is not in this version yet');
  const resolved = await resolveSpec(spec, host);
  const system = await systemView();
  const hosts = await readFile('/etc/hosts', 'utf8').catch(() => '');
  const { identity, hostname } = spec;
  const prepare = (groups: Groups): Launch =>
    bubblewrapLaunch({
      ...resolved,
      directory: spec.directory,
      groups: groups.procs,
      limits: processLimits(spec.limits ?? {}),
      identity,
      network,
      socket: spec.socket !== undefined,
      hostname,
      system,
      files: ownFiles({
        identity: identity ?? serverIdentity(),
        home: resolved.home,
        unprivileged: false,
        hosts,
        hostname,
      }),
      filter: isFilterArch(process.arch) ? encodeFilter(filterProgram(process.arch)) : undefined,
      tools: { bwrap: host.tools.bwrap ?? 'bwrap', setpriv: host.tools.setpriv ?? 'setpriv' },
    });
  return startContained('sandbox', spec, host, prepare, signal);
}

function serverIdentity(): { uid: number; gid: number } {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
}
