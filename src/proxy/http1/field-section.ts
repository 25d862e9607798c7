import { type FieldKind, kindOf } from './field-kind.js';
import { TOKEN } from './octets.js';

const COLON = 58;
const SP = 32;
const HTAB = 9;

/** Header or trailer fields, in order. Index i of each list is the i-th field line. */
export interface FieldSection {
  readonly names: readonly string[];
  /** Without the white space around them. */
  readonly values: readonly string[];
  readonly kinds: readonly FieldKind[];
  /** Where each line begins in the text; one more entry than lines: where the empty line begins. */
  readonly starts: readonly number[];
}

/** Their number is bounded besides their size, because each costs more than its bytes. */
const MOST_FIELDS = 1000;

/**
 * Parses field lines of `text` from `at` up to the empty line (RFC 9112 5). The text has been through a HeadReader, so that CR and LF
 * stand at the ends of lines only. Returns undefined when it is malformed.
 *
 * Attack stopped: white space before the colon, and lines that continue the one before (obs-fold), are read in different ways by
 * different programs.
 */
export function parseFields(text: string, at: number): FieldSection | undefined {
  const names: string[] = [];
  const values: string[] = [];
  const kinds: FieldKind[] = [];
  const starts: number[] = [];
  const last = text.length - 2;
  let line = at;
  while (line < last) {
    if (names.length >= MOST_FIELDS) return undefined;
    let colon = line;
    while (TOKEN[text.charCodeAt(colon)] === 1) colon += 1;
    if (colon === line || text.charCodeAt(colon) !== COLON) return undefined;
    const next = text.indexOf('\r', colon);
    let from = colon + 1;
    let to = next;
    while (from < to && isSpace(text.charCodeAt(from))) from += 1;
    while (to > from && isSpace(text.charCodeAt(to - 1))) to -= 1;
    const name = text.slice(line, colon);
    names.push(name);
    values.push(text.slice(from, to));
    kinds.push(kindOf(name));
    starts.push(line);
    line = next + 2;
  }
  starts.push(line);
  return { names, values, kinds, starts };
}

function isSpace(octet: number): boolean {
  return octet === SP || octet === HTAB;
}

/** The members of a comma-separated list, lower case, without empty ones. */
export function listOf(value: string): string[] {
  const members: string[] = [];
  for (const member of value.split(',')) {
    const word = member.trim().toLowerCase();
    if (word !== '') members.push(word);
  }
  return members;
}

/** The first value of a kind. */
export function fieldValue(fields: FieldSection, kind: FieldKind): string | undefined {
  const index = fields.kinds.indexOf(kind);
  return index === -1 ? undefined : fields.values[index];
}
