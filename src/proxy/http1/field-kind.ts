/** What a field means to a proxy, by its name. Most fields mean nothing to it. */
export const Kind = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  /** Keep-Alive, Proxy-Connection: hop-by-hop and without use. */
  hopByHop: 5,
  te: 6,
  upgrade: 7,
  expect: 8,
  trailer: 9,
  http2Settings: 10,
  /** X-Forwarded-*, Forwarded in their exact spelling. */
  forwarding: 11,
  requestId: 12,
  /** A spelling that an app can't tell from one of ours. */
  lookalike: 13,
  /** tenement-error: only our own answers carry it. */
  ownError: 14,
  /** X-Tenement-*: how the data path tells the server's own handler who asks. */
  internal: 15,
  /** Other fields that carry the message's meaning: Connection can't strip them, and they are no trailers. */
  endToEnd: 16,
  accept: 17,
  referer: 18,
  userAgent: 19,
  keepAlive: 20,
  /** Content-Range, Max-Forwards ...: never in trailers, else nothing special. */
  notTrailer: 21,
} as const;

export type FieldKind = (typeof Kind)[keyof typeof Kind];

const NAMES: Record<string, FieldKind> = {
  host: Kind.host,
  'content-length': Kind.contentLength,
  'transfer-encoding': Kind.transferEncoding,
  connection: Kind.connection,
  'keep-alive': Kind.keepAlive,
  'proxy-connection': Kind.hopByHop,
  te: Kind.te,
  upgrade: Kind.upgrade,
  expect: Kind.expect,
  trailer: Kind.trailer,
  'http2-settings': Kind.http2Settings,
  'tenement-error': Kind.ownError,
  accept: Kind.accept,
  referer: Kind.referer,
  'user-agent': Kind.userAgent,
  'content-type': Kind.endToEnd,
  'content-encoding': Kind.endToEnd,
  authorization: Kind.endToEnd,
  cookie: Kind.endToEnd,
  date: Kind.endToEnd,
  'set-cookie': Kind.endToEnd,
  'content-range': Kind.notTrailer,
  'max-forwards': Kind.notTrailer,
};

/** Names come in few spellings, and looking one up costs less than folding its case. Bounded: names are a client's choice. */
const known = new Map<string, FieldKind>();
const MOST_KNOWN = 2000;

export function kindOf(name: string): FieldKind {
  const found = known.get(name);
  if (found !== undefined) return found;
  const kind = classify(name.toLowerCase());
  // Long names are rare and would make the table large; the copy does not hold on to the head that the name was cut from.
  if (known.size < MOST_KNOWN && name.length <= 64)
    known.set(Buffer.from(name, 'latin1').toString('latin1'), kind);
  return kind;
}

/**
 * Attack stopped: CGI, WSGI and Rack turn "-" into "_", so that `X_Forwarded_For` of a client arrives as the same variable as
 * our `X-Forwarded-For`.
 */
function classify(key: string): FieldKind {
  const plain = key.replaceAll('_', '-');
  if (plain.startsWith('x-tenement-')) return Kind.internal;
  if (plain === 'x-request-id') return plain === key ? Kind.requestId : Kind.lookalike;
  if (plain === 'forwarded' || plain.startsWith('x-forwarded-')) {
    return plain === key ? Kind.forwarding : Kind.lookalike;
  }
  return Object.hasOwn(NAMES, key) ? (NAMES[key] ?? Kind.other) : Kind.other;
}
