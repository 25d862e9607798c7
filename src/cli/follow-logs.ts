import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../api/client.js';
import { LogEntryMessage, PublicHealth } from '../api/protocol.js';
import { readEvents } from '../api/stream.js';
import { TenementError } from '../base/errors.js';
import type { Output } from './output.js';

/** The filter of the API's log endpoints (api/protocol.ts, LogStreamQuery). */
export type LogParams = Readonly<Record<string, string | number>>;

/** How often a server that went away (an upgrade, a crash) is looked for before following ends: once a second. */
const RETRIES = 30;

/**
 * Prints new entries until the process is interrupted. When the connection breaks it looks for the server again and goes on
 * after the last entry seen; fails when the server stays away.
 * @throws TenementError no_server
 */
export async function followLogs(
  connect: () => Promise<Client>,
  first: Client,
  query: LogParams,
  print: (entry: LogEntryMessage) => void,
  out: Output,
): Promise<void> {
  const seen = new LastSeen();
  let client = first;
  let connected = false;
  for (;;) {
    try {
      const resumed = seen.at === undefined ? query : { ...query, since: seen.at, limit: 10_000 };
      seen.resume();
      const stream = await client.open('GET', '/api/logs/stream', 'text/event-stream', {
        query: resumed,
      });
      connected = true;
      for await (const entry of readEvents(stream, LogEntryMessage)) {
        if (seen.isNew(entry)) print(entry);
      }
    } catch (error) {
      // Never connected at all: that is the answer, not an interruption.
      if (!connected || !isInterruption(error)) throw error;
    }
    out.note('The connection ended; waiting for the server to come back.');
    client = await again(connect);
  }
}

async function again(connect: () => Promise<Client>): Promise<Client> {
  for (let tries = 1; ; tries += 1) {
    await delay(1000);
    try {
      const client = await connect();
      await client.request('GET', '/health', PublicHealth, { timeoutMs: 5000 });
      return client;
    } catch (error) {
      if (tries >= RETRIES || !isInterruption(error)) throw error;
    }
  }
}

function isInterruption(error: unknown): boolean {
  return error instanceof TenementError && ['no_server', 'shutting_down'].includes(error.code);
}

/**
 * Passes over what was printed before the connection broke: `since` is inclusive, so entries with the very time of the last one
 * come again.
 */
export class LastSeen {
  /** Time of the newest entry so far. */
  at: string | undefined;
  #printed = new Map<string, number>();
  #repeats = new Map<string, number>();

  /** To be called before a new connection that asks for entries since `at`. */
  resume(): void {
    this.#repeats = new Map(this.#printed);
  }

  isNew(entry: LogEntryMessage): boolean {
    const id = `${entry.process}:${entry.instance_id}:${entry.level}:${entry.message}`;
    if (this.at === undefined || entry.timestamp > this.at) {
      this.at = entry.timestamp;
      this.#printed.clear();
      this.#repeats.clear();
    }
    if (entry.timestamp !== this.at) return true;
    const repeats = this.#repeats.get(id) ?? 0;
    if (repeats > 0) {
      this.#repeats.set(id, repeats - 1);
      return false;
    }
    this.#printed.set(id, (this.#printed.get(id) ?? 0) + 1);
    return true;
  }
}
