import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type Database from 'better-sqlite3';
import { assertName } from '../base/names.js';
import { durably } from './database.js';
import type { TokenRow, TokenScope, Tokens } from './types.js';

/** `ten_` and 8 hex digits that name the token, then `_` and 256 random bits. */
const TOKEN = /^(ten_[0-9a-f]{8})_[0-9a-f]{64}$/;
/** `lastUsedAt` is this coarse, so that a request does not cost a write. It follows a clock that is set back, too. */
const LAST_USED_STEP_MS = 60_000;

interface StoredToken {
  prefix: string;
  hash: Buffer;
  scope: TokenScope['kind'];
  tenant: string | null;
  description: string;
  created_at: number;
  last_used_at: number | null;
}

export function createTokens(db: Database.Database): Tokens {
  const insert = db.prepare(
    'INSERT INTO tokens (prefix, hash, scope, tenant, description, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const select = db.prepare<[string], StoredToken>('SELECT * FROM tokens WHERE prefix = ?');
  const selectAll = db.prepare<[], StoredToken>('SELECT * FROM tokens ORDER BY created_at, prefix');
  const touch = db.prepare('UPDATE tokens SET last_used_at = ? WHERE prefix = ?');
  const remove = db.prepare('DELETE FROM tokens WHERE prefix = ?');

  return {
    create(scope, description, now) {
      const tenant = scope.kind === 'tenant' ? scope.tenant : null;
      if (tenant !== null) assertName(tenant, 'tenant');
      for (;;) {
        const prefix = `ten_${randomBytes(4).toString('hex')}`;
        const token = `${prefix}_${randomBytes(32).toString('hex')}`;
        const done = insert.run(prefix, hash(token), scope.kind, tenant, description, now);
        // Taken by another token (1 in 4 billion for each that exists): draw again.
        if (done.changes === 0) continue;
        return { token, row: { prefix, scope, description, createdAt: now, lastUsedAt: undefined } };
      }
    },
    verify(token, now) {
      const prefix = TOKEN.exec(token)?.[1];
      const stored = prefix === undefined ? undefined : select.get(prefix);
      // Equal in time whichever byte differs, so that a secret can't be guessed byte by byte.
      if (stored === undefined || !timingSafeEqual(stored.hash, hash(token))) return undefined;
      if (!db.readonly && Math.abs(now - (stored.last_used_at ?? 0)) >= LAST_USED_STEP_MS) {
        try {
          touch.run(now, stored.prefix);
          stored.last_used_at = now;
        } catch {
          // A full disk must not lock the operator out: it is only a note.
        }
      }
      return toRow(stored);
    },
    list: () => selectAll.all().map(toRow),
    // Durable: a token that was revoked must not come back after a power cut.
    revoke: (prefix) => durably(db, () => remove.run(prefix).changes > 0),
  };
}

/** One fast hash is enough: the input is 256 random bits, which nobody can try out; slow hashes are for what people choose. */
function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function toRow(stored: StoredToken): TokenRow {
  return {
    prefix: stored.prefix,
    scope: toScope(stored),
    description: stored.description,
    createdAt: stored.created_at,
    lastUsedAt: stored.last_used_at ?? undefined,
  };
}

function toScope(stored: StoredToken): TokenScope {
  if (stored.scope !== 'tenant') return { kind: stored.scope };
  // The table's CHECK holds this; an empty tenant matches no instance.
  return { kind: 'tenant', tenant: stored.tenant ?? '' };
}
