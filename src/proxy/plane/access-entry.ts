import { TrustedProxies } from '../client-address.js';
import { Kind } from '../http1/field-kind.js';
import { type FieldSection, fieldValue as firstOf } from '../http1/field-section.js';
import type { RequestEnd } from '../request-end.js';
import type { AccessEntry } from './access-line.js';

/** Makes entries of the access log; `trustedProxies` are those in force. */
export class AccessEntries {
  readonly #trustedProxies: () => readonly string[];
  readonly #trusted = new TrustedProxies();

  constructor(trustedProxies: () => readonly string[]) {
    this.#trustedProxies = trustedProxies;
  }

  from(end: RequestEnd, at: number): AccessEntry {
    const { head } = end;
    return {
      at,
      client: head === undefined ? end.client : this.#visitor(end.client, head.fields),
      method: end.method,
      host: head && firstOf(head.fields, Kind.host),
      target: head?.target ?? '-',
      httpVersion: `1.${head?.minor ?? 1}`,
      status: end.status,
      bytesIn: end.bytesIn,
      bytesOut: end.bytesOut,
      durationMs: end.durationMs,
      instance: end.instance,
      requestId: end.requestId,
      referer: head && firstOf(head.fields, Kind.referer),
      userAgent: head && firstOf(head.fields, Kind.userAgent),
    };
  }

  /** The last address of the chain that no trusted proxy has: what stands before it could be anybody's invention. */
  #visitor(peer: string, fields: FieldSection): string {
    const trusted = this.#trustedProxies();
    let visitor = peer;
    if (peer !== '' && !this.#trusted.includes(peer, trusted)) return peer;
    const hops = allNamed(fields, 'x-forwarded-for').flatMap((value) => value.split(','));
    for (const hop of hops.reverse()) {
      const address = hop.trim();
      if (address === '') continue;
      visitor = address;
      if (!this.#trusted.includes(address, trusted)) break;
    }
    return visitor;
  }
}

/** Values of all fields with this name, in order. */
function allNamed({ kinds, names, values }: FieldSection, name: string): string[] {
  return values.filter((_, i) => kinds[i] === Kind.forwarding && names[i]?.toLowerCase() === name);
}
