import type { Lease, UpstreamAddress } from './upstreams.js';

/** Never aborts: the server's own handler lives as long as the server. */
const never = new AbortController().signal;
const policy = { requestTimeoutMs: Number.POSITIVE_INFINITY, maxBodyBytes: undefined };
const nothing = () => {};

/** No instance has this name, as names have no space. */
export const OWN = 'the server';

/** What the forwarding needs to send a request to the server's own handler, which nobody wakes or counts. */
export function ownLease(address: UpstreamAddress): Lease {
  return { instance: OWN, address, policy, closing: never, suspect: nothing, release: nothing };
}
