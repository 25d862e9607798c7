import type { RawLine } from './lines.js';

/** Colours and text styles of a terminal (ECMA-48 SGR): of no use in a log, and they break a search. */
const SGR = /\x1b\[[0-9;:]*m/g;
/** C0 and C1 controls and DEL, apart from the tab. */
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/;
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;

/** A line as it is stored and shown: valid UTF-8, harmless, with a mark where something is missing. */
export function toMessage(line: RawLine): string {
  const cut = line.missing > 0;
  const bytes = cut ? withoutTornEnd(line.head) : withoutCarriageReturn(line.head);
  const text = cleanText(bytes.toString('utf8'));
  const mark = cut ? ` … [${line.missing + line.head.length - bytes.length} bytes cut]` : '';
  return `${line.whole ? '' : '… '}${text}${mark}`;
}

/**
 * Makes control characters visible (U+2400 and following): an app that logs what a visitor sent must not be able to move the
 * cursor, retitle the window or forge lines in the terminal of whoever reads the log.
 */
export function cleanText(text: string): string {
  if (!CONTROL.test(text)) return text;
  return text.replace(SGR, '').replace(CONTROLS, (char) => {
    const code = char.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? '\u2421' : '\ufffd';
  });
}

function withoutCarriageReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes;
}

/** Without the first bytes of a character whose rest was cut off (RFC 3629: at most 4 bytes, continuation bytes are 10xxxxxx). */
function withoutTornEnd(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(4, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
