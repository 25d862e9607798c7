import type Database from 'better-sqlite3';
import type { InstanceKey } from '../base/names.js';
import { createDataPaths } from './data-paths.js';
import { createEvents } from './events.js';
import type { InstanceRow, Registry, StartedWith } from './types.js';
import { createUids } from './uids.js';

interface StoredInstance {
  service: string;
  id: string;
  want: InstanceRow['want'];
  held: number;
  listed: number;
  weight: number;
  env: string;
  created_at: number;
}

/** Weight of an instance that nobody gave one: all equal. */
const DEFAULT_WEIGHT = 100;

export function createRegistry(db: Database.Database): Registry {
  const selectAll = db.prepare<[], StoredInstance>('SELECT * FROM instances ORDER BY service, id');
  const countAll = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM instances');
  const selectOne = db.prepare<[string, string], StoredInstance>(
    'SELECT * FROM instances WHERE service = ? AND id = ?',
  );
  const insert = db.prepare(
    `INSERT INTO instances (service, id, want, weight, env, created_at) VALUES (?, ?, 'on-demand', ?, '{}', ?)
     ON CONFLICT DO NOTHING`,
  );
  const change = db.prepare(
    `UPDATE instances SET want = coalesce(@want, want), held = coalesce(@held, held), listed = coalesce(@listed, listed), weight = coalesce(@weight, weight), env = coalesce(@env, env)
     WHERE service = @service AND id = @id`,
  );
  const remove = db.prepare('DELETE FROM instances WHERE service = ? AND id = ?');
  const get = (key: InstanceKey): InstanceRow | undefined => {
    const stored = selectOne.get(key.service, key.id);
    return stored === undefined ? undefined : toRow(stored);
  };
  const update: Registry['update'] = (key, changes) => {
    change.run({
      service: key.service,
      id: key.id,
      want: changes.want ?? null,
      held: changes.held === undefined ? null : Number(changes.held),
      listed: changes.listed === undefined ? null : Number(changes.listed),
      weight: changes.weight ?? null,
      env: changes.env === undefined ? null : JSON.stringify(changes.env),
    });
  };
  const setWeights = db.transaction((changes: readonly { key: InstanceKey; weight: number }[]) => {
    for (const { key, weight } of changes) update(key, { weight });
  });

  return {
    all: () => selectAll.all().map(toRow),
    size: () => countAll.get()?.n ?? 0,
    get,
    register(key, now) {
      insert.run(key.service, key.id, DEFAULT_WEIGHT, now);
      const row = get(key);
      if (row === undefined) throw new Error('an instance vanished while it was registered');
      return row;
    },
    update,
    setWeights: (changes) => setWeights.immediate(changes),
    forget: (key) => void remove.run(key.service, key.id),
    ...createRuns(db),
    ...createStartedWith(db),
    ...createUids(db),
    ...createDataPaths(db),
    ...createEvents(db),
  };
}

function createRuns(db: Database.Database): Pick<Registry, 'saveTrace' | 'saveRef' | 'clearRun' | 'run'> {
  const save = db.prepare(
    `INSERT INTO runs (service, id, trace, ref) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET trace = excluded.trace, ref = excluded.ref`,
  );
  const clear = db.prepare('DELETE FROM runs WHERE service = ? AND id = ?');
  const select = db.prepare<[string, string], { trace: string | null; ref: string | null }>(
    'SELECT trace, ref FROM runs WHERE service = ? AND id = ?',
  );
  return {
    saveTrace: (key, trace) => void save.run(key.service, key.id, JSON.stringify(trace), null),
    saveRef: (key, ref) => void save.run(key.service, key.id, null, JSON.stringify(ref)),
    clearRun: (key) => void clear.run(key.service, key.id),
    run(key) {
      const stored = select.get(key.service, key.id);
      if (stored === undefined) return undefined;
      if (stored.ref !== null) return { ref: JSON.parse(stored.ref) };
      if (stored.trace === null) return {};
      const trace: { run: string; cgroup?: string } = JSON.parse(stored.trace);
      return { trace: { run: trace.run, cgroup: trace.cgroup } };
    },
  };
}

function createStartedWith(db: Database.Database): Pick<Registry, 'saveStartedWith' | 'startedWith'> {
  const save = db.prepare(
    `INSERT INTO started_with (service, id, run, digests) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET run = excluded.run, digests = excluded.digests`,
  );
  const select = db.prepare<[string, string], { run: string | null; digests: string }>(
    'SELECT run, digests FROM started_with WHERE service = ? AND id = ?',
  );
  return {
    saveStartedWith: (key, { run, digests }) =>
      void save.run(key.service, key.id, run ?? null, JSON.stringify(digests)),
    startedWith(key) {
      const stored = select.get(key.service, key.id);
      if (stored === undefined) return undefined;
      const digests: StartedWith['digests'] = JSON.parse(stored.digests);
      return { run: stored.run ?? undefined, digests };
    },
  };
}

function toRow(stored: StoredInstance): InstanceRow {
  const { service, id, want, held, listed, weight, created_at: createdAt } = stored;
  const flags = { held: held === 1, listed: listed === 1 };
  return { service, id, want, ...flags, weight, env: JSON.parse(stored.env), createdAt };
}
