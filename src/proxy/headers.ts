/** Which header fields pass, in which shape. Pure; all lists are flat: name, value, name, value ... as node:http has them. */

/** RFC 9110 7.6.1: these concern one connection, whether Connection names them or not. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Attack stopped: `Connection: close, authorization` would make a proxy strip end-to-end fields of a client's choice. Fields that
 * carry the message's meaning pass whatever Connection says.
 */
const END_TO_END = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'authorization',
  'cookie',
  'date',
  'set-cookie',
  'expect',
]);

/** Fields that would change framing, routing or identity when an app merges trailers into its headers (RFC 9110 6.5.1). */
const NEVER_A_TRAILER = new Set([...HOP_BY_HOP, ...END_TO_END, 'trailer', 'content-range', 'max-forwards']);

export type BodyFraming = 'none' | 'length' | 'chunked';

export interface RequestHeaderContext {
  readonly method: string;
  readonly httpVersion: string;
  readonly framing: BodyFraming;
  /** Keep Upgrade and ask for it. */
  readonly upgrade: boolean;
  readonly peerAddress: string;
  readonly secure: boolean;
  readonly rawHost: string | undefined;
  readonly requestId: string;
  /** The peer is in trusted_proxies. */
  readonly trusted: boolean;
}

/** The header section for the app: order and case kept, hop-by-hop fields removed, forwarding fields set. */
export function requestHeaders(raw: readonly string[], context: RequestHeaderContext): string[] {
  const dropped = connectionOptions(raw);
  const out: string[] = [];
  const seen = new Map<string, string[]>();
  let wantsTrailers = false;
  let hasLength = false;
  for (const [name, value] of pairs(raw)) {
    const key = name.toLowerCase();
    if (key === 'te' && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(value)) wantsTrailers = true;
    if (key === 'upgrade' && context.upgrade) out.push(name, value);
    if (HOP_BY_HOP.has(key) || dropped.has(key)) continue;
    const forwarding = forwardingName(key);
    if (forwarding !== undefined) {
      // Only the exact spelling is believed, and only from a trusted peer.
      if (forwarding === key) seen.set(key, [...(seen.get(key) ?? []), value]);
      continue;
    }
    // HTTP/1.0 has no 100 (Continue), so an app must not wait to send one (RFC 9110 10.1.1).
    if (key === 'expect' && context.httpVersion === '1.0') continue;
    if (key === 'content-length') hasLength = true;
    out.push(name, value);
  }
  out.push(...forwardingFields(seen, context));
  if (context.framing === 'chunked') out.push('Transfer-Encoding', 'chunked');
  // node:http would otherwise announce a chunked body for it.
  else if (context.framing === 'none' && !hasLength && !BODILESS.has(context.method)) {
    out.push('Content-Length', '0');
  }
  const connection = context.upgrade ? 'Upgrade' : 'close';
  if (wantsTrailers) out.push('TE', 'trailers', 'Connection', `${connection}, TE`);
  else out.push('Connection', connection);
  return out;
}

const BODILESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);

export interface ResponseHeaderContext {
  readonly status: number;
  /** The answer to this client will be chunked, so that a Trailer field makes sense. */
  readonly chunked: boolean;
}

/** The header section for the client. */
export function responseHeaders(raw: readonly string[], context: ResponseHeaderContext): string[] {
  const dropped = connectionOptions(raw);
  const out: string[] = [];
  for (const [name, value] of pairs(raw)) {
    const key = name.toLowerCase();
    // Only our own answers carry it: an app must not be able to pass its failure off as ours.
    if (key === 'tenement-error') continue;
    // 426 (Upgrade Required) says with Upgrade what is required; 101 is passed by upgrade.ts.
    if (key === 'upgrade' && context.status === 426) out.push(name, value);
    if (HOP_BY_HOP.has(key) || dropped.has(key)) continue;
    if (key === 'trailer' && !context.chunked) continue;
    // A length on 204 makes some clients wait for bytes that never come (RFC 9110 8.6 forbids it).
    if (key === 'content-length' && context.status === 204) continue;
    out.push(name, value);
  }
  return out;
}

/** The head of a 101 answer: what was agreed on stays. */
export function switchingHeaders(raw: readonly string[]): string[] {
  return [...pairs(raw)].filter(([name]) => name.toLowerCase() !== 'tenement-error').flat();
}

/** Trailer fields that may pass, as node:http's addTrailers takes them. */
export function trailerFields(raw: readonly string[]): [string, string][] {
  return [...pairs(raw)].filter(([name]) => {
    const key = name.toLowerCase();
    return !NEVER_A_TRAILER.has(key) && forwardingName(key) === undefined && key !== 'tenement-error';
  });
}

/** How the request's body is framed; undefined for a coding that we can't undo (it would reach the app undeclared). */
export function framingOf(raw: readonly string[]): BodyFraming | undefined {
  let framing: BodyFraming = 'none';
  for (const [name, value] of pairs(raw)) {
    const key = name.toLowerCase();
    if (key === 'transfer-encoding') {
      if (value.trim().toLowerCase() !== 'chunked') return undefined;
      framing = 'chunked';
    } else if (key === 'content-length' && framing === 'none' && Number(value) > 0) framing = 'length';
  }
  return framing;
}

export function* pairs(raw: readonly string[]): Generator<[name: string, value: string]> {
  for (let i = 0; i + 1 < raw.length; i += 2) yield [raw[i] ?? '', raw[i + 1] ?? ''];
}

function connectionOptions(raw: readonly string[]): Set<string> {
  const options = new Set<string>();
  for (const [name, value] of pairs(raw)) {
    if (name.toLowerCase() !== 'connection') continue;
    for (const token of value.split(',')) {
      const option = token.trim().toLowerCase();
      if (option !== '' && !END_TO_END.has(option)) options.add(option);
    }
  }
  return options;
}

/**
 * The forwarding field that `key` is or would become in an app, else undefined. Attack stopped: CGI, WSGI and Rack turn "-" into "_", so
 * that `X_Forwarded_For` of a client arrives as the same variable as our `X-Forwarded-For`.
 */
function forwardingName(key: string): string | undefined {
  const plain = key.includes('_') ? key.replaceAll('_', '-') : key;
  return plain.startsWith('x-forwarded-') || plain === 'x-request-id' || plain === 'forwarded'
    ? plain
    : undefined;
}

function forwardingFields(seen: Map<string, string[]>, context: RequestHeaderContext): string[] {
  const believed = context.trusted ? seen : new Map<string, string[]>();
  const out: string[] = [];
  const chain = [...(believed.get('x-forwarded-for') ?? []), context.peerAddress];
  out.push('X-Forwarded-For', chain.filter((hop) => hop !== '').join(', '));
  out.push(
    'X-Forwarded-Proto',
    believed.get('x-forwarded-proto')?.[0] ?? (context.secure ? 'https' : 'http'),
  );
  const host = believed.get('x-forwarded-host')?.[0] ?? context.rawHost;
  if (host !== undefined) out.push('X-Forwarded-Host', host);
  out.push('X-Request-Id', context.requestId);
  for (const [key, values] of believed) {
    if (['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-request-id'].includes(key)) continue;
    for (const value of values) out.push(key, value);
  }
  return out;
}
