import type Database from 'better-sqlite3';
import type { Audit, AuditRow } from './types.js';

/** Newest rows kept: some 20 MB. Older ones go, so that a script that calls the API in a loop cannot fill the disk. */
const AUDIT_ROWS = 100_000;

export function createAudit(db: Database.Database, keep = AUDIT_ROWS): Audit {
  const insert = db.prepare(
    'INSERT INTO audit (at, actor, action, target, outcome, detail) VALUES (@at, @actor, @action, @target, @outcome, @detail)',
  );
  const trim = db.prepare('DELETE FROM audit WHERE seq <= ?');
  const columns = 'at, actor, action, target, outcome, detail';
  const selectAll = db.prepare<[number], AuditRow>(`SELECT ${columns} FROM audit ORDER BY seq DESC LIMIT ?`);
  const selectTarget = db.prepare<[string, number], AuditRow>(
    `SELECT ${columns} FROM audit WHERE target = ? ORDER BY seq DESC LIMIT ?`,
  );
  const add = db.transaction((row: AuditRow) => {
    const { lastInsertRowid } = insert.run(row);
    trim.run(Number(lastInsertRowid) - keep);
  });
  return {
    add: (row) => add.immediate(row),
    list: ({ limit, target }) =>
      target === undefined ? selectAll.all(limit) : selectTarget.all(target, limit),
  };
}
