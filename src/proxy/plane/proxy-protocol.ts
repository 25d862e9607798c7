/**
 * The PROXY protocol, versions 1 and 2 (haproxy.org/download/2.9/doc/proxy-protocol.txt): one header before the first byte of a
 * connection, by which a proxy that does not read HTTP says who its client is. Pure, and strict: a guess would let a visitor
 * write an address of his choice into logs and limits.
 */
import { isIPv4, isIPv6 } from 'node:net';

export type ProxyHeader =
  /** Not all there yet. */
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly why: string }
  | {
      readonly kind: 'header';
      /** Bytes of the header; what follows is the client's. */
      readonly length: number;
      /** Undefined: the proxy speaks for itself (a health check of its own), or does not know. */
      readonly source: { readonly address: string; readonly port: number } | undefined;
    };

const V1 = Buffer.from('PROXY ', 'latin1');
/** Section 2.1: the longest line, with its CRLF. */
const V1_MAX = 107;
const V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED = 16;
/** Addresses take 216 bytes at most; the rest is for extensions, which are skipped. Stops: 64 KiB held for each connection. */
const V2_MAX = 2048;

const MORE: ProxyHeader = { kind: 'more' };

/** Reads a header from the beginning of `bytes`, all that has arrived of a connection so far. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, V1)) return bytes.length < V1.length ? MORE : readV1(bytes);
  if (startsLike(bytes, V2)) return bytes.length < V2_FIXED ? MORE : readV2(bytes);
  return bad('it does not begin with a PROXY header');
}

/** Equal as far as both reach. */
function startsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.subarray(0, length).equals(signature.subarray(0, length));
}

function readV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_MAX).indexOf('\r\n');
  if (end < 0) return bytes.length < V1_MAX ? MORE : bad('the line is too long');
  const length = end + 2;
  const line = bytes.toString('latin1', 0, end);
  // After UNKNOWN anything may follow, and is to be ignored.
  if (line === 'PROXY UNKNOWN' || line.startsWith('PROXY UNKNOWN '))
    return { kind: 'header', length, source: undefined };
  const [, family, from = '', to = '', fromPort = '', toPort = '', ...rest] = line.split(' ');
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : undefined;
  if (isAddress === undefined || rest.length > 0) return bad('the line is malformed');
  if (!isAddress(from) || !isAddress(to)) return bad('an address is malformed');
  if (!isPort(fromPort) || !isPort(toPort)) return bad('a port is malformed');
  return { kind: 'header', length, source: { address: from, port: Number(fromPort) } };
}

function readV2(bytes: Buffer): ProxyHeader {
  const version = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const size = bytes.readUInt16BE(14);
  if (version >> 4 !== 2) return bad('the version is unknown');
  const command = version & 0xf;
  if (command > 1) return bad('the command is unknown');
  const length = V2_FIXED + size;
  if (length > V2_MAX) return bad('the header is too long');
  if (bytes.length < length) return MORE;
  // LOCAL: the proxy's own connection; what the address block says is to be ignored.
  if (command === 0) return { kind: 'header', length, source: undefined };
  switch (family) {
    case 0x00:
      return { kind: 'header', length, source: undefined };
    case 0x11: {
      if (size < 12) return bad('the addresses are cut off');
      const address = bytes.subarray(16, 20).join('.');
      return { kind: 'header', length, source: { address, port: bytes.readUInt16BE(24) } };
    }
    case 0x21: {
      if (size < 36) return bad('the addresses are cut off');
      return {
        kind: 'header',
        length,
        source: { address: ipv6Text(bytes.subarray(16, 32)), port: bytes.readUInt16BE(48) },
      };
    }
    // A client on a Unix socket has no address that could be shown.
    case 0x31:
      return size < 216 ? bad('the addresses are cut off') : { kind: 'header', length, source: undefined };
    default:
      return bad('the address family is unknown');
  }
}

/** A zone (`fe80::1%eth0`) is of the proxy's machine and means nothing here. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

/** Decimal without leading zeros, as section 2.1 asks. */
function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65535;
}

/** RFC 5952 form, as Node shows addresses; an IPv4 client of a dual-stack proxy in its short form. */
function ipv6Text(bytes: Buffer): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(bytes.readUInt16BE(i).toString(16));
  if (groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff')
    return bytes.subarray(12, 16).join('.');
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

function bad(why: string): ProxyHeader {
  return { kind: 'bad', why };
}
