/** What a start needs when connections have to be passed on into the instance's own network. */
import { TenementError } from '../../src/base/errors.js';
import type { Host, Spec } from '../contract.js';
import { quote } from '../private-root.js';
import { isFilterArch } from '../seccomp.js';
import { forwarderCommand, forwarderEnv } from './forwarder.js';

export interface Forward {
  /** Shell code that returns when the forwarder works and the app cannot interfere with it any more; ends in a line break. */
  readonly run: string;
  /** What the builder needs to be one itself. */
  readonly port: number;
  readonly uid: number | undefined;
  readonly env: Readonly<Record<string, string>>;
}

/** Users that nothing belongs to; not `nobody`, as which many services run. */
const NOBODY = 65_533;
const NOBODY_ELSE = 65_532;

/**
 * `raiseLoopback`: the forwarder sets the network's loopback up, which saves a program.
 * @throws TenementError `isolation_unavailable`
 */
export function forwardOf(spec: Spec, host: Host, raiseLoopback: boolean): Forward | undefined {
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
  const command = forwarderCommand(perl, { port: forwardTo, uid, raiseLoopback });
  return {
    // Nothing of what the wrappers have open is its own but its complaints and the socket, which nobody else gets.
    run: `${command.map(quote).join(' ')} 3>&- 4>&- || exit 1\nunset TENEMENT_FORWARD\nexec 5>&-\n`,
    port: forwardTo,
    uid,
    env: forwarderEnv(arch),
  };
}
