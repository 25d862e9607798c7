/** One line of the access log, in ASCII. Pure. */

/** What is known of an answered request. Header values are as received; no other header is ever logged: not Authorization, not Cookie. */
export interface AccessEntry {
  /** Its end, milliseconds since the epoch. */
  readonly at: number;
  /** The visitor, as far as trusted proxies told; empty on a Unix socket. */
  readonly client: string;
  /** A token, or `-`: needs no escape. */
  readonly method: string;
  readonly host: string | undefined;
  /** Path with its query, as in every server's access log: an app that puts secrets into queries has them in there. */
  readonly target: string;
  /** `1.1` */
  readonly httpVersion: string;
  readonly status: number;
  /** Of bodies. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
  readonly instance: string | undefined;
  readonly requestId: string;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
}

/**
 * In the shape of pino's lines, so that its tools read them. Put together by hand: JSON.stringify of the whole object was a tenth
 * of all that a request cost.
 */
export function jsonLine(entry: AccessEntry): string {
  const { host, instance, referer, userAgent } = entry;
  return (
    `{"level":30,"time":"${isoTime(entry.at)}","client":${quoted(entry.client)},"method":"${entry.method}"` +
    (host === undefined ? '' : `,"host":${quoted(host)}`) +
    `,"target":${quoted(entry.target)},"httpVersion":"${entry.httpVersion}","status":${entry.status}` +
    `,"bytesIn":${entry.bytesIn},"bytesOut":${entry.bytesOut}` +
    (instance === undefined ? '' : `,"instance":${quoted(instance)}`) +
    `,"requestId":${quoted(entry.requestId)}` +
    (referer === undefined ? '' : `,"referer":${quoted(referer)}`) +
    (userAgent === undefined ? '' : `,"userAgent":${quoted(userAgent)}`) +
    `,"durationMs":${round(entry.durationMs)},"msg":"request"}\n`
  );
}

/** Attack stopped: a quote, a backslash or a control byte in a header that ends the string early and forges fields. */
const NEEDS_ESCAPE = /["\\\u0000-\u001f\u007f-\uffff]/;
const quoted = (value: string): string => (NEEDS_ESCAPE.test(value) ? escaped(value) : `"${value}"`);

/** In ASCII, as the whole log is. */
function escaped(value: string): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

let lastMs = -1;
let lastIso = '';

/** Made once a millisecond. */
function isoTime(at: number): string {
  if (at !== lastMs) {
    lastIso = new Date(at).toISOString();
    lastMs = at;
  }
  return lastIso;
}

/** The combined format of Apache and nginx, which log analysers expect. */
export function combinedLine(entry: AccessEntry): string {
  const { client, method, target, httpVersion, status, bytesOut, referer, userAgent } = entry;
  const request = `${escapeField(method)} ${escapeField(target)} HTTP/${httpVersion}`;
  return `${client || '-'} - - [${clfTime(entry.at)}] "${request}" ${status} ${bytesOut} "${field(referer)}" "${field(userAgent)}"\n`;
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

function field(value: string | undefined): string {
  return value === undefined || value === '' ? '-' : escapeField(value);
}

/** Attack stopped: a quote or a line break in a header that makes a second, forged line out of one request. */
function escapeField(value: string): string {
  return value.replace(/["\\\u0000-\u001f\u007f-\uffff]/g, (char) => {
    const code = char.charCodeAt(0);
    return code < 256
      ? `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
let lastSecond = -1;
let lastText = '';

/** `10/Oct/2000:13:55:36 +0000`; made once a second. */
function clfTime(at: number): string {
  const second = Math.floor(at / 1000);
  if (second !== lastSecond) {
    const date = new Date(second * 1000);
    const two = (value: number) => String(value).padStart(2, '0');
    const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
    lastText = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:${time} +0000`;
    lastSecond = second;
  }
  return lastText;
}
