import test from 'ava';
import type { UpstreamConnection } from '../../../src/proxy/upstream-connection.js';
import { Pool } from '../../../src/proxy/upstream-pool.js';

/** What a pool looks at of a connection. */
class FakeConnection {
  readonly socket = { destroyed: false };
  readonly keepMs = Number.POSITIVE_INFINITY;
  place = -1;
  answered = true;
  idleSince = 0;

  leave(now: number): void {
    this.idleSince = now;
  }

  destroy(): void {
    this.socket.destroyed = true;
  }
}

function idleSince(now: number): { pool: Pool; connection: UpstreamConnection } {
  const pool = new Pool({ host: '127.0.0.1', port: 1 });
  const connection = new FakeConnection() as unknown as UpstreamConnection;
  pool.opened(connection, now);
  pool.answered(connection);
  pool.keep(connection, now);
  return { pool, connection };
}

// Accident: an app that closes each connection a moment behind its answer closes it just when a POST is written, which must not be sent again.
test('a moment tells nothing about how long an app keeps a connection: a POST gets a new one', (t) => {
  const { pool, connection } = idleSince(1000);
  pool.sweep(1020);
  t.is(pool.take(true, 1000), undefined);
  t.is(pool.take(false, 1020), connection, 'what may be sent again takes it');
});

test('on a connection of an app that was seen to keep one a POST goes, too, and not after it has ended one', (t) => {
  const { pool, connection } = idleSince(1000);
  pool.sweep(1400);
  t.is(pool.take(true, 1199), connection);
  pool.keep(connection, 2000);
  t.is(pool.take(true, 2200), undefined, 'idle for more than half of that');
  pool.lost(connection, 2004);
  const next = new FakeConnection() as unknown as UpstreamConnection;
  pool.opened(next, 2010);
  pool.answered(next);
  pool.keep(next, 2010);
  t.is(pool.take(true, 2012), undefined);
});
