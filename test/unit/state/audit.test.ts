import test from 'ava';
import { createAudit } from '../../../src/state/audit.js';
import { openDatabase } from '../../../src/state/database.js';
import type { AuditRow } from '../../../src/state/types.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const row = (at: number, target: string): AuditRow => ({
  at,
  actor: 'cli',
  action: 'stop',
  target,
  outcome: 'ok',
  detail: '',
});

test('newest first, by target, bounded', (t) => {
  const db = openDatabase(freshDir(t), { readonly: false });
  t.teardown(() => db.close());
  const audit = createAudit(db, 4);
  for (let at = 1; at <= 6; at += 1) audit.add(row(at, at % 2 === 0 ? 'notes:even' : 'notes:odd'));
  t.deepEqual(audit.list({ limit: 2 }), [row(6, 'notes:even'), row(5, 'notes:odd')]);
  t.deepEqual(audit.list({ limit: 10, target: 'notes:odd' }), [row(5, 'notes:odd'), row(3, 'notes:odd')]);
  t.is(audit.list({ limit: 10 }).length, 4);
});
