/** How a process ended, in words, and what kept one from its start. */
import type { Exit, Handle } from '../../isolation/contract.js';
import { TenementError } from '../base/errors.js';

export function describeExit(exit: Exit): string {
  if (exit.oom) return 'was killed because it ran out of memory';
  if (exit.unknown) return 'ended';
  return exit.signal === null ? `exited with code ${exit.code}` : `was killed by ${exit.signal}`;
}

/**
 * Why a process has ended before it was ready: `port_taken` when it gave up by itself and another program has its port, else
 * `start_failed`. Never rejects.
 */
export async function stillborn(
  name: string,
  handle: Pick<Handle, 'address' | 'listener'>,
  exit: Exit,
): Promise<TenementError> {
  const what = `${name} ${describeExit(exit)} before it was ready`;
  const { address, listener } = handle;
  const gaveUp = !exit.oom && !exit.unknown && exit.signal === null && exit.code !== 0;
  if (!gaveUp || !('port' in address)) return new TenementError('start_failed', what);
  // Where it cannot be told there is no reason to accuse anybody.
  const owner = await listener?.().catch(() => undefined);
  return owner === 'stranger'
    ? new TenementError(
        'port_taken',
        `${what}, and another program listens on port ${address.port}, which was given to it`,
      )
    : new TenementError('start_failed', what);
}
