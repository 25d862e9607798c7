/** Classes of octets, as tables that are indexed by the octet. */

const CR = 13;
const LF = 10;

/** 1 for what may stand in a token (RFC 9110 5.6.2): methods and field names. */
export const TOKEN: Uint8Array = table((octet) =>
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/.test(String.fromCharCode(octet)),
);

/**
 * 1 for what may stand in a line: HTAB, SP, visible characters, obs-text (RFC 9110 5.5). Attack stopped: NUL and other control bytes end a
 * line or a string in some programs and not in others.
 */
export const TEXT: Uint8Array = table((octet) => octet === 9 || (octet >= 0x20 && octet !== 0x7f));

/** 1 for what may stand in a request target: visible characters of ASCII, but no "#" (RFC 9112 3.2). */
export const TARGET: Uint8Array = table((octet) => octet > 0x20 && octet < 0x7f && octet !== 0x23);

/** The value of a hex digit, 255 for every other octet. */
export const HEX: Uint8Array = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit += 1) {
  const text = digit.toString(16);
  HEX[text.charCodeAt(0)] = digit;
  HEX[text.toUpperCase().charCodeAt(0)] = digit;
}

function table(holds: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) =>
    octet !== CR && octet !== LF && holds(octet) ? 1 : 0,
  );
}

/** Whether `text` is not empty and consists of octets of the class. */
export function consistsOf(text: string, octets: Uint8Array): boolean {
  for (let i = 0; i < text.length; i += 1) if (octets[text.charCodeAt(i)] !== 1) return false;
  return text.length > 0;
}
