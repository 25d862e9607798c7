/** What a start needs when connections have to be passed on into the instance's own network. */
import { TenementError } from '../../src/base/errors.js';
import type { Host, Spec } from '../contract.js';
import { isFilterArch } from '../seccomp.js';
import { forwarderEnv } from './forwarder.js';

export interface Forward {
  /** What the builder needs for it. */
  readonly port: number;
  /** Undefined: the server is not root, there is no other user. */
  readonly uid: number | undefined;
  readonly env: Readonly<Record<string, string>>;
}

/** Users that nothing belongs to; not `nobody`, as which many services run. */
const NOBODY = 65_533;
const NOBODY_ELSE = 65_532;

/** @throws TenementError `isolation_unavailable` */
export function forwardOf(spec: Spec, host: Host): Forward | undefined {
  const { forwardTo, identity } = spec;
  if (forwardTo === undefined) return undefined;
  const { perl } = host.tools;
  const { arch } = process;
  if (perl === undefined || !isFilterArch(arch)) {
    const reason = perl === undefined ? 'perl was not found' : `not on ${arch}`;
    throw new TenementError(
      'isolation_unavailable',
      `connections cannot be passed on to a port in a network of its own: ${reason}`,
      { hint: 'Install perl-base, or set `listen = "unix"` or `listen = "fd"` for the service.' },
    );
  }
  const uid = identity === undefined ? undefined : identity.uid === NOBODY ? NOBODY_ELSE : NOBODY;
  return { port: forwardTo, uid, env: forwarderEnv(arch) };
}
