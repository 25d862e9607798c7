export type { Address } from '../../isolation/contract.js';

import type { Address } from '../../isolation/contract.js';

/** `127.0.0.1:30001`, or the path of a socket. */
export function addressText(address: Address): string {
  return 'path' in address ? address.path : `${address.host}:${address.port}`;
}
