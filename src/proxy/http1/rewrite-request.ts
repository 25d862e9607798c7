import { type FieldKind, Kind } from './field-kind.js';
import { type FieldSection, listOf } from './field-section.js';
import type { RequestHead } from './request-head.js';

/** What the app is told about the client besides the client's own words. */
export interface Forwarding {
  /** Address of the peer. */
  readonly peerAddress: string;
  readonly secure: boolean;
  /** The peer is in trusted_proxies: its forwarding fields are continued instead of dropped. */
  readonly trusted: boolean;
  readonly requestId: string;
  /** Host as sent, or from an absolute request target. */
  readonly rawHost: string | undefined;
  /** Origin form, as the app gets it. */
  readonly path: string;
  /** Keep Upgrade and ask for it. */
  readonly upgrade: boolean;
  /** For the server's own handler: lines to add, with their line ends. */
  readonly internal?: string | undefined;
}

/** What becomes of a field on its way to the app. `maybe`: it depends on the request. */
const Fate = { pass: 0, drop: 1, maybe: 2 } as const;

const FATES: readonly number[] = fates({
  [Kind.connection]: Fate.drop,
  [Kind.keepAlive]: Fate.drop,
  [Kind.hopByHop]: Fate.drop,
  [Kind.http2Settings]: Fate.maybe,
  [Kind.te]: Fate.drop,
  [Kind.upgrade]: Fate.maybe,
  [Kind.expect]: Fate.maybe,
  [Kind.transferEncoding]: Fate.drop,
  [Kind.forwarding]: Fate.drop,
  [Kind.requestId]: Fate.drop,
  [Kind.lookalike]: Fate.drop,
  [Kind.internal]: Fate.drop,
});

function fates(given: Partial<Record<FieldKind, number>>): number[] {
  const all: number[] = [];
  for (const kind of Object.values(Kind)) all[kind] = given[kind] ?? Fate.pass;
  return all;
}

/** Methods whose requests have no body unless they announce one; the others say `Content-Length: 0` (RFC 9110 8.6). */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * The head for the app, as latin1 text: always HTTP/1.1; hop-by-hop fields cut out, forwarding fields set, every other byte as it came.
 */
export function rewriteRequest(head: RequestHead, forwarding: Forwarding): string {
  const { text, fields, minor } = head;
  const { kinds, starts } = fields;
  const { named } = head.connection;
  const unchanged = minor === 1 && forwarding.path === head.target;
  let out = unchanged ? '' : `${head.method} ${forwarding.path} HTTP/1.1\r\n`;
  let run = unchanged ? 0 : (starts[0] as number);
  for (let i = 0; i < kinds.length; i += 1) {
    const fate = FATES[kinds[i] as number];
    const passes =
      (fate === Fate.pass || (fate === Fate.maybe && mayPass(kinds[i] as FieldKind, head, forwarding))) &&
      (named === undefined || !named.has(fields.name(i).toLowerCase()));
    if (passes) continue;
    out += text.slice(run, starts[i]);
    run = starts[i + 1] as number;
  }
  out += text.slice(run, starts[kinds.length]);
  out += forwardingLines(fields, forwarding);
  if (head.body.kind === 'length' && head.body.length === 0 && !BODILESS.has(head.method)) {
    if (!fields.has(Kind.contentLength)) out += 'Content-Length: 0\r\n';
  }
  // Attack stopped: an app that does not know `Chunked` as `chunked` would take the body for the next request.
  if (head.body.kind === 'chunked') out += 'Transfer-Encoding: chunked\r\n';
  // An HTTP/1.1 request needs one, also where it was an HTTP/1.0 request without.
  if (!fields.has(Kind.host)) out += `Host: ${forwarding.rawHost ?? ''}\r\n`;
  if (forwarding.internal !== undefined) out += forwarding.internal;
  return `${out}${connectionLines(fields, forwarding.upgrade)}\r\n`;
}

function mayPass(kind: FieldKind, head: RequestHead, forwarding: Forwarding): boolean {
  // HTTP/1.0 has no 100 (Continue), so an app must not wait to send one (RFC 9110 10.1.1).
  if (kind === Kind.expect) return head.minor === 1;
  return kind === Kind.upgrade && forwarding.upgrade;
}

function connectionLines(fields: FieldSection, upgrade: boolean): string {
  if (!fields.has(Kind.te)) return upgrade ? 'Connection: Upgrade\r\n' : '';
  const wants = fields.kinds.some(
    (kind, i) => kind === Kind.te && listOf(fields.value(i)).includes('trailers'),
  );
  if (!wants) return upgrade ? 'Connection: Upgrade\r\n' : '';
  return `TE: trailers\r\nConnection: ${upgrade ? 'Upgrade, TE' : 'TE'}\r\n`;
}

function forwardingLines(fields: FieldSection, forwarding: Forwarding): string {
  const { peerAddress, secure, rawHost, requestId } = forwarding;
  if (forwarding.trusted && fields.has(Kind.forwarding)) return continued(fields, forwarding);
  const host = rawHost === undefined ? '' : `X-Forwarded-Host: ${rawHost}\r\n`;
  const proto = secure ? 'https' : 'http';
  return `X-Forwarded-For: ${peerAddress}\r\nX-Forwarded-Proto: ${proto}\r\n${host}X-Request-Id: ${requestId}\r\n`;
}

/** What a trusted proxy says, with the proxy's own address behind it. */
function continued(fields: FieldSection, forwarding: Forwarding): string {
  const chain: string[] = [];
  let proto: string | undefined;
  let host: string | undefined;
  let others = '';
  for (let i = 0; i < fields.kinds.length; i += 1) {
    if (fields.kinds[i] !== Kind.forwarding) continue;
    const value = fields.value(i);
    const key = fields.name(i).toLowerCase();
    if (key === 'x-forwarded-for') chain.push(value);
    else if (key === 'x-forwarded-proto') proto ??= value;
    else if (key === 'x-forwarded-host') host ??= value;
    else others += `${fields.name(i)}: ${value}\r\n`;
  }
  chain.push(forwarding.peerAddress);
  host ??= forwarding.rawHost;
  return (
    `X-Forwarded-For: ${chain.filter((hop) => hop !== '').join(', ')}\r\n` +
    `X-Forwarded-Proto: ${proto ?? (forwarding.secure ? 'https' : 'http')}\r\n` +
    `${host === undefined ? '' : `X-Forwarded-Host: ${host}\r\n`}X-Request-Id: ${forwarding.requestId}\r\n${others}`
  );
}
