/** Pure: instance <-> name of its systemd unit, by systemd's own escaping (systemd.unit(5), "String escaping for inclusion in unit names"). */

const PREFIX = 'tenement-';
const SUFFIX = '.service';

/** `notes`, `my-shop` -> `tenement-notes-my\x2dshop.service`. The dashes that are left separate, so that no two instances share a name. */
export function unitName(service: string, tenant: string): string {
  return `${PREFIX}${escapeUnitPart(service)}-${escapeUnitPart(tenant)}${SUFFIX}`;
}

/** The instance of a unit; undefined when the unit is not an instance's. */
export function instanceOfUnit(unit: string): { service: string; tenant: string } | undefined {
  if (!unit.startsWith(PREFIX) || !unit.endsWith(SUFFIX)) return undefined;
  const parts = unit.slice(PREFIX.length, -SUFFIX.length).split('-');
  const [service, tenant] = parts.map(unescapeUnitPart);
  return parts.length === 2 && service && tenant ? { service, tenant } : undefined;
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
