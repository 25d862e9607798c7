import { type FieldKind, Kind } from './field-kind.js';
import { parseFields } from './field-section.js';

/**
 * Attack stopped: fields that would change framing, routing or identity when an app merges trailers into its headers (RFC 9110 6.5.1).
 */
const MAY_PASS: ReadonlySet<FieldKind> = new Set([Kind.other, Kind.accept, Kind.referer, Kind.userAgent]);

/** The trailer section that may pass, with its empty line; undefined when it is malformed. */
export function trailerSection(text: string): string | undefined {
  const fields = parseFields(text, 0);
  if (fields === undefined) return undefined;
  const { kinds, starts } = fields;
  let passing = '';
  for (let i = 0; i < kinds.length; i += 1) {
    if (MAY_PASS.has(kinds[i] as FieldKind)) passing += text.slice(starts[i], starts[i + 1]);
  }
  return `${passing}\r\n`;
}
