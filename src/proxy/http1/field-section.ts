import { type FieldKind, kindAt } from './field-kind.js';
import { TOKEN } from './octets.js';

const COLON = 58;
const SP = 32;
const HTAB = 9;

/**
 * Header or trailer fields, in order: index i is the i-th field line. Most fields pass without anyone asking for their name or value,
 * so these are cut out of the text when they are asked for.
 */
export class FieldSection {
  readonly kinds: readonly FieldKind[];
  /** Where each line begins in the text; one more entry than lines: where the empty line begins. */
  readonly starts: readonly number[];
  readonly #text: string;
  /** Where each name ends: at its colon. */
  readonly #colons: readonly number[];
  /** One bit per kind that is there. */
  readonly #present: number;

  constructor(
    text: string,
    kinds: readonly FieldKind[],
    starts: readonly number[],
    colons: readonly number[],
    present: number,
  ) {
    this.#text = text;
    this.kinds = kinds;
    this.starts = starts;
    this.#colons = colons;
    this.#present = present;
  }

  has(kind: FieldKind): boolean {
    return (this.#present & (1 << kind)) !== 0;
  }

  name(index: number): string {
    return this.#text.slice(this.starts[index], this.#colons[index]);
  }

  /** Without the white space around it. */
  value(index: number): string {
    const text = this.#text;
    let from = (this.#colons[index] as number) + 1;
    let to = (this.starts[index + 1] as number) - 2;
    while (from < to && isSpace(text.charCodeAt(from))) from += 1;
    while (to > from && isSpace(text.charCodeAt(to - 1))) to -= 1;
    return text.slice(from, to);
  }

  get names(): readonly string[] {
    return this.kinds.map((_kind, i) => this.name(i));
  }

  get values(): readonly string[] {
    return this.kinds.map((_kind, i) => this.value(i));
  }
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
  const kinds: FieldKind[] = [];
  const starts: number[] = [];
  const colons: number[] = [];
  let present = 0;
  const last = text.length - 2;
  let line = at;
  while (line < last) {
    if (kinds.length >= MOST_FIELDS) return undefined;
    let colon = line;
    while (TOKEN[text.charCodeAt(colon)] === 1) colon += 1;
    if (colon === line || text.charCodeAt(colon) !== COLON) return undefined;
    const kind = kindAt(text, line, colon);
    present |= 1 << kind;
    kinds.push(kind);
    starts.push(line);
    colons.push(colon);
    line = text.indexOf('\r', colon) + 2;
  }
  starts.push(line);
  return new FieldSection(text, kinds, starts, colons, present);
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
  return fields.has(kind) ? fields.value(fields.kinds.indexOf(kind)) : undefined;
}
