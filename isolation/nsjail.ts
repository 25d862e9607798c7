/** nsjail as the tool of the `sandbox` backend: what it needs here, and how one instance is started in it. */
import { readFile } from 'node:fs/promises';
import { TenementError } from '../src/base/errors.js';
import type { Launch } from './argv.js';
import type { Resolved } from './contained.js';
import type { Host, Spec } from './contract.js';
import type { Groups } from './groups.js';
import { processLimits } from './limits.js';
import { loadFilter } from './load-filter.js';
import type { PreparedNetwork } from './network/network.js';
import { nsjailLaunch } from './nsjail-argv.js';
import { ownFiles, withoutResolvConf } from './root-plan.js';
import { isFilterArch } from './seccomp.js';
import { systemView } from './system-view.js';

/** Why it cannot be used here and what to do, or undefined when it can. It is looked for and not tried. */
export function nsjailProblem(host: Host): { readonly reason: string; readonly remedy: string } | undefined {
  if (host.platform !== 'linux') {
    return {
      reason: 'only Linux has namespaces',
      remedy: 'Use `isolation = "process"` for code that you trust.',
    };
  }
  if (host.tools.nsjail === undefined) {
    return {
      reason: 'nsjail was not found',
      remedy: 'Install nsjail, or leave `sandbox` out for bubblewrap.',
    };
  }
  if (host.tools.perl === undefined || !isFilterArch(process.arch)) {
    return {
      reason:
        'the filter of system calls cannot be set: perl was not found, or there is none for this machine',
      remedy: 'Install perl (perl-base), or leave `sandbox` out for bubblewrap.',
    };
  }
  return undefined;
}

/** @throws TenementError `isolation_unavailable` */
export async function prepareNsjail(
  spec: Spec,
  host: Host,
  resolved: Resolved,
  { link, resolvConf }: PreparedNetwork,
): Promise<(groups: Groups) => Launch> {
  const { nsjail, perl, unshare = 'unshare' } = host.tools;
  const { arch } = process;
  const problem = nsjailProblem(host);
  if (problem !== undefined || nsjail === undefined || perl === undefined || !isFilterArch(arch)) {
    const { reason, remedy } = problem ?? { reason: 'it does not work here', remedy: 'Leave `sandbox` out.' };
    throw new TenementError('isolation_unavailable', `sandbox = "nsjail": ${reason}`, { hint: remedy });
  }
  if (spec.forwardTo !== undefined) {
    throw new TenementError(
      'isolation_unavailable',
      'with sandbox = "nsjail", connections cannot be passed on to a port in a network of its own',
      {
        hint: 'Set `listen = "unix"` or `listen = "fd"` for the service, or leave `sandbox` out for bubblewrap.',
      },
    );
  }
  const identity = spec.identity ?? { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const { hostname } = spec;
  const files = ownFiles({
    identity,
    home: resolved.home,
    unprivileged: false,
    hosts: await readFile('/etc/hosts', 'utf8').catch(() => ''),
    hostname,
    resolvConf,
  });
  const system = withoutResolvConf(await systemView(), resolvConf);
  return (groups) =>
    nsjailLaunch({
      ...resolved,
      directory: spec.directory,
      groups: groups.procs,
      limits: processLimits(spec.limits ?? {}),
      identity,
      unprivileged: spec.identity === undefined,
      network: spec.network ?? 'host',
      socket: spec.socket !== undefined,
      ...(link !== undefined && { link }),
      hostname,
      system,
      files,
      filter: loadFilter(perl, arch),
      tools: { nsjail, unshare },
    });
}
