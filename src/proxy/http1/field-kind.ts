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

/** By the length of the name: its octets in lower case, and its kind. */
const byLength: { readonly octets: Uint8Array; readonly kind: FieldKind }[][] = [];
for (const [name, kind] of Object.entries(NAMES)) {
  const octets = Uint8Array.from(name, (char) => char.charCodeAt(0));
  byLength[name.length] ??= [];
  byLength[name.length]?.push({ octets, kind });
}

/** Turns capital letters into small ones; no other two octets of a token become the same by it but "_" and DEL, "^" and "~". */
const SMALL = 0x20;
const F = 0x66;
const X = 0x78;

/** The kind of the name in `text` from `start` to `end`, which is a token. Cuts no string out of the text for it. */
export function kindAt(text: string, start: number, end: number): FieldKind {
  const first = text.charCodeAt(start) | SMALL;
  // Families of names, and spellings of them.
  if (first === X || first === F) return kindOf(text.slice(start, end));
  const candidates = byLength[end - start];
  if (candidates === undefined) return Kind.other;
  for (const { octets, kind } of candidates) {
    let i = 0;
    while (i < octets.length && (text.charCodeAt(start + i) | SMALL) === octets[i]) i += 1;
    if (i === octets.length) return kind;
  }
  return Kind.other;
}

/** The kind of a name by itself. */
export function kindOf(name: string): FieldKind {
  const key = name.toLowerCase();
  return FAMILY.test(key)
    ? familyOf(key)
    : Object.hasOwn(NAMES, key)
      ? (NAMES[key] ?? Kind.other)
      : Kind.other;
}

const FAMILY = /^(?:x[-_](?:tenement[-_]|request[-_]id$|forwarded[-_])|forwarded$)/;

/**
 * Attack stopped: CGI, WSGI and Rack turn "-" into "_", so that `X_Forwarded_For` of a client arrives as the same variable as
 * our `X-Forwarded-For`.
 */
function familyOf(key: string): FieldKind {
  const plain = key.replaceAll('_', '-');
  if (plain.startsWith('x-tenement-')) return Kind.internal;
  if (plain !== key) return Kind.lookalike;
  return plain === 'x-request-id' ? Kind.requestId : Kind.forwarding;
}
