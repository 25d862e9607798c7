import type Database from 'better-sqlite3';
import type { Registry } from './types.js';

/** Newest events kept of each instance: weeks for a quiet one, enough of a crash loop to see its shape. */
const EVENTS_PER_INSTANCE = 200;
/** Newest events kept in all: those of forgotten instances stay, and names that come and go would fill the disk. */
const EVENTS_IN_ALL = 200_000;
/** The bound over all is checked once per so many events, because counting is not free. */
const CHECK_EVERY = 1024;

interface Event {
  at: number;
  from: string;
  to: string;
  cause: string;
}

export function createEvents(
  db: Database.Database,
  bounds = { perInstance: EVENTS_PER_INSTANCE, inAll: EVENTS_IN_ALL, checkEvery: CHECK_EVERY },
): Pick<Registry, 'addEvent' | 'events'> {
  const insert = db.prepare(
    'INSERT INTO events (service, id, at, from_state, to_state, cause) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const trimInstance = db.prepare(
    `DELETE FROM events WHERE service = @service AND id = @id AND seq <=
       (SELECT seq FROM events WHERE service = @service AND id = @id ORDER BY seq DESC LIMIT 1 OFFSET @keep)`,
  );
  const trimAll = db.prepare(
    'DELETE FROM events WHERE seq <= (SELECT seq FROM events ORDER BY seq DESC LIMIT 1 OFFSET ?)',
  );
  const select = db.prepare<[string, string, number], Event>(
    `SELECT at, from_state AS "from", to_state AS "to", cause FROM events
     WHERE service = ? AND id = ? ORDER BY seq DESC LIMIT ?`,
  );
  const add = db.transaction((service: string, id: string, event: Event) => {
    const { lastInsertRowid } = insert.run(service, id, event.at, event.from, event.to, event.cause);
    trimInstance.run({ service, id, keep: bounds.perInstance });
    if (Number(lastInsertRowid) % bounds.checkEvery === 0) trimAll.run(bounds.inAll);
  });
  return {
    addEvent: (key, event) => add.immediate(key.service, key.id, event),
    events: (key, limit) => select.all(key.service, key.id, limit),
  };
}
