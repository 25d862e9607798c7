/** Pure: instance <-> name of its systemd unit, by systemd's own escaping (systemd.unit(5), "String escaping for inclusion in unit names"). */
import { createHash } from 'node:crypto';

const PREFIX = 'tenement-';
const SUFFIX = '.service';
/**
 * Of all that comes before the suffix: those of an instance's door end with the longest one, and with PrivateTmp= systemd makes a directory named
 * `systemd-private-BOOT_ID-UNIT-XXXXXX` for the unit, which has the 255 bytes of a file's name. It makes none, and fails, for a longer unit.
 */
const LONGEST = 255 - 'systemd-private-'.length - 32 - '-'.length - '-XXXXXX'.length - '-door.service'.length;
/** A part that is not longer stays whole: two of them, shortened or not, fit. */
const LONGEST_PART = 88;
const KEPT = 64;
const HASH_DIGITS = 20;

/**
 * `notes`, `my-shop` -> `tenement-notes-my\x2dshop.service`. The dashes that are left separate, so that no two instances share a name.
 * What would be too long has a hash in its long parts, after a dot, which no name of a service or tenant has.
 */
export function unitName(service: string, tenant: string): string {
  const whole = `${PREFIX}${escapeUnitPart(service)}-${escapeUnitPart(tenant)}`;
  const base =
    whole.length <= LONGEST
      ? whole
      : `${PREFIX}${shortened(service, LONGEST_PART)}-${shortened(tenant, LONGEST_PART)}`;
  return base + SUFFIX;
}

/** The slice of all instances of a service that are units. */
export function sliceName(service: string): string {
  return `${PREFIX}${shortened(service, LONGEST - PREFIX.length)}.slice`;
}

function shortened(text: string, longest: number): string {
  const escaped = escapeUnitPart(text);
  if (escaped.length <= longest) return escaped;
  // Not in the middle of an escaped character.
  const start = escaped.slice(0, KEPT).replace(/\\x?[0-9a-f]?$/, '');
  return `${start}.${createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS)}`;
}

/** The instance of a unit; undefined when the unit is not an instance's, or its name was too long to be written whole. */
export function instanceOfUnit(unit: string): { service: string; tenant: string } | undefined {
  if (!unit.startsWith(PREFIX) || !unit.endsWith(SUFFIX)) return undefined;
  const parts = unit.slice(PREFIX.length, -SUFFIX.length).split('-');
  const [service, tenant] = parts.map(unescapeUnitPart);
  if (parts.length !== 2 || !service || !tenant || parts.some((part) => part.includes('.'))) return undefined;
  return { service, tenant };
}

/** As `systemd-escape TEXT` does: letters, digits, ":", "_" and "." (not first) stay, "/" becomes "-", other bytes become \xNN. */
export function escapeUnitPart(text: string): string {
  return Array.from(Buffer.from(text, 'utf8'), (byte, i) => {
    const char = String.fromCharCode(byte);
    if (char === '/') return '-';
    if (/[A-Za-z0-9:_]/.test(char) || (char === '.' && i > 0)) return char;
    return `\\x${byte.toString(16).padStart(2, '0')}`;
  }).join('');
}

/** The reverse, as `systemd-escape --unescape` does. */
export function unescapeUnitPart(text: string): string {
  const bytes: number[] = [];
  for (const [part, hex] of text.matchAll(/\\x([0-9a-f]{2})|[\s\S]/g)) {
    bytes.push(hex === undefined ? (part === '-' ? '/' : part).charCodeAt(0) : Number.parseInt(hex, 16));
  }
  return Buffer.from(bytes).toString('utf8');
}

/** The object of a unit: its name with every byte but letters and digits as _XX (sd_bus_path_encode(3)). Pure. */
export function unitPath(unit: string): string {
  const encoded = Array.from(Buffer.from(unit, 'utf8'), (byte, i) => {
    const char = String.fromCharCode(byte);
    const plain = /[A-Za-z]/.test(char) || (/[0-9]/.test(char) && i > 0);
    return plain ? char : `_${byte.toString(16).padStart(2, '0')}`;
  });
  return `/org/freedesktop/systemd1/unit/${encoded.join('')}`;
}
