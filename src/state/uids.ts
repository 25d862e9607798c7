import { randomInt } from 'node:crypto';
import type Database from 'better-sqlite3';
import { TenementError } from '../base/errors.js';
import { formatKey } from '../base/names.js';
import { durably } from './database.js';
import type { Registry } from './types.js';

/**
 * Own uids of instances. A uid is given once: reusing that of a forgotten instance would hand its leftover files to a stranger.
 * Only when the whole range was given once are released ones (their data is gone) given again, the longest released first.
 */
export function createUids(db: Database.Database): Pick<Registry, 'uidFor' | 'releaseUid'> {
  const recorded = db.prepare<[string, string], { uid: number }>(
    'SELECT uid FROM uids WHERE service = ? AND id = ?',
  );
  const highest = db.prepare<[number, number], { uid: number | null }>(
    'SELECT max(uid) AS uid FROM uids WHERE uid BETWEEN ? AND ?',
  );
  const given = db
    .prepare<[number, number], number>('SELECT uid FROM uids WHERE uid BETWEEN ? AND ? ORDER BY uid')
    .pluck();
  const longestReleased = db.prepare<[number, number], { uid: number }>(
    'SELECT uid FROM uids WHERE released_at IS NOT NULL AND uid BETWEEN ? AND ? ORDER BY released_at LIMIT 1',
  );
  const give = db.prepare(
    `INSERT INTO uids (uid, service, id) VALUES (?, ?, ?)
     ON CONFLICT (uid) DO UPDATE SET service = excluded.service, id = excluded.id, released_at = NULL`,
  );
  // A counter, not the time of day: the order must hold when the clock is set back.
  const release = db.prepare(
    `UPDATE uids SET service = NULL, id = NULL, released_at = (SELECT coalesce(max(released_at), 0) + 1 FROM uids)
     WHERE service = ? AND id = ?`,
  );

  const choose = (low: number, high: number): number | undefined => {
    const last = highest.get(low, high)?.uid ?? undefined;
    const next = last === undefined ? firstOf(low, high) : last + 1;
    if (next <= high) return next;
    // Numbers below the first given one are fresh, too.
    return firstGap(given.all(low, high), low, high) ?? longestReleased.get(low, high)?.uid;
  };

  return {
    uidFor(key, [low, high]) {
      const known = recorded.get(key.service, key.id);
      if (known !== undefined) return known.uid;
      // Durable: after a power cut files may belong to a uid that was given a moment before.
      return durably(db, () => {
        const raced = recorded.get(key.service, key.id);
        if (raced !== undefined) return raced.uid;
        const uid = choose(low, high);
        if (uid === undefined) {
          throw new TenementError(
            'uids_exhausted',
            `No uid is left in ${low}-${high} for ${formatKey(key)}: each belongs to an instance or to data that still exists`,
          );
        }
        give.run(uid, key.service, key.id);
        return uid;
      });
    },
    releaseUid: (key) => void release.run(key.service, key.id),
  };
}

/** As many as this are not met by chance. */
const WIDE = 16_384;

/**
 * Two servers on one machine know nothing of each other, and mostly have the same range, the default: with the same numbers the instances of one would
 * read and signal those of the other, and a stop of one would end both. So each begins somewhere else in a wide one. A narrow one was chosen.
 */
function firstOf(low: number, high: number): number {
  return high - low < WIDE ? low : low + randomInt(high - low + 1);
}

function firstGap(sorted: readonly number[], low: number, high: number): number | undefined {
  let expected = low;
  for (const uid of sorted) {
    if (uid !== expected) return expected;
    expected += 1;
  }
  return expected <= high ? expected : undefined;
}
