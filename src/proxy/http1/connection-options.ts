import { type FieldKind, Kind, kindOf } from './field-kind.js';
import type { FieldSection } from './field-section.js';
import { listOf } from './field-section.js';

/** What the Connection fields of a message say. */
export interface ConnectionOptions {
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
  /** Names of fields, lower case, that concern this connection alone. */
  readonly named: ReadonlySet<string> | undefined;
}

const NOTHING: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, named: undefined };
const CLOSE: ConnectionOptions = { ...NOTHING, close: true };
const KEEP: ConnectionOptions = { ...NOTHING, keepAlive: true };

/**
 * Attack stopped: `Connection: close, authorization` would make a proxy strip end-to-end fields of a client's choice. Fields that
 * carry the message's meaning or its framing pass whatever Connection says.
 */
const PROTECTED: ReadonlySet<FieldKind> = new Set([
  Kind.host,
  Kind.contentLength,
  Kind.transferEncoding,
  Kind.endToEnd,
  Kind.expect,
  Kind.trailer,
]);

export function connectionOptions(fields: FieldSection): ConnectionOptions {
  if (!fields.has(Kind.connection)) return NOTHING;
  const { kinds } = fields;
  let found: ConnectionOptions = NOTHING;
  for (let i = 0; i < kinds.length; i += 1) {
    if (kinds[i] !== Kind.connection) continue;
    const value = fields.value(i);
    if (found === NOTHING && (value === 'keep-alive' || value === 'Keep-Alive')) found = KEEP;
    else if (found === NOTHING && value === 'close') found = CLOSE;
    else found = merge(found, listOf(value));
  }
  return found;
}

function merge(before: ConnectionOptions, words: readonly string[]): ConnectionOptions {
  const named = new Set(before.named);
  for (const word of words) {
    if (word !== 'close' && word !== 'keep-alive' && word !== 'upgrade' && !PROTECTED.has(kindOf(word)))
      named.add(word);
  }
  return {
    close: before.close || words.includes('close'),
    keepAlive: before.keepAlive || words.includes('keep-alive'),
    upgrade: before.upgrade || words.includes('upgrade'),
    named: named.size === 0 ? undefined : named,
  };
}
