import { Socket } from 'node:net';
import { socketOptions } from './socket-options.js';
import type { Wire } from './wire.js';

/** What an accepted socket has inside: no public option lets a server's sockets read with `onread`. */
interface Inside {
  _handle: unknown;
}

/**
 * Makes of an accepted and paused socket one that reads into the wire's reused buffer; undefined where the runtime does not have the
 * inside that this needs. `accepted` must not be used afterwards then.
 */
export function withFastReads(accepted: Socket, wire: Wire): Socket | undefined {
  const inside = accepted as unknown as Inside;
  const handle = inside._handle;
  if (!isTcpHandle(handle)) return undefined;
  // The handle changes hands: the old socket must not close it.
  inside._handle = null;
  const socket = new Socket(socketOptions(wire.onread, handle));
  accepted.destroy();
  return socket;
}

function isTcpHandle(handle: unknown): boolean {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    'useUserBuffer' in handle &&
    typeof handle.useUserBuffer === 'function' &&
    'readStart' in handle
  );
}
