import type { ServerResponse } from 'node:http';
import type { Timer } from '../base/clock.js';
import { TenementError } from '../base/errors.js';
import type { LogEntry, LogFilter } from '../logs/types.js';
import type { Identity } from './auth.js';
import type { ApiState } from './deps.js';
import { EventWriter } from './sse.js';
import { toLogMessage } from './view.js';

const HEARTBEAT_MS = 15_000;
/** Heartbeats after which a reader that takes nothing at all is let go. */
const MAX_BLOCKED = 4;
/** Lines that arrive while the earlier ones are read from disk. */
const MAX_MEANWHILE = 10_000;

interface StreamOptions {
  readonly deps: ApiState;
  readonly filter: LogFilter;
  /** How many earlier lines come first. */
  readonly backlog: number;
  readonly identity: Identity;
  /** Only the headers are wanted. */
  readonly head: boolean;
  readonly res: ServerResponse;
}

/**
 * Answers with matching log lines as they are written, until the reader leaves, its token is revoked or the server stops.
 * Resolves once the stream is under way.
 * @throws TenementError `queue_full` | `unauthorized`
 */
export async function streamLogs({
  deps,
  filter,
  backlog,
  identity,
  head,
  res,
}: StreamOptions): Promise<void> {
  // Revoked while the call was looked at, when the stream was not among those that a revocation ends.
  if (!identity.stillValid(deps.clock.now())) throw new TenementError('unauthorized');
  let end = () => void res.end();
  const release = deps.streams.admit(identity.actor, () => end());
  // Followed before the earlier lines are read, so that none falls between the two.
  const meanwhile: LogEntry[] = [];
  let onEntry = (entry: LogEntry) => {
    if (meanwhile.length < MAX_MEANWHILE) meanwhile.push(entry);
  };
  const unfollow = deps.logs.follow(filter, (entry) => onEntry(entry));
  let timer: Timer | undefined;
  let writer: EventWriter | undefined;
  const over = () => {
    timer?.cancel();
    unfollow();
    release();
  };
  res.once('close', over);
  end = () => {
    over();
    // What a revoked token has not read yet it shall not read: a reader that takes nothing would keep the connection, too.
    if (writer?.isBlocked === true) res.destroy();
    else res.end();
  };
  let earlier: LogEntry[];
  try {
    earlier = backlog > 0 && !head ? await deps.logs.query(filter, backlog) : [];
  } catch (error) {
    over();
    throw error;
  }
  if (res.destroyed || res.writableEnded) return;

  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
  if (head) {
    res.end();
    return;
  }
  res.flushHeaders();
  const events = new EventWriter(res, (dropped) => JSON.stringify(gap(filter, dropped, deps.clock.now())));
  writer = events;
  onEntry = (entry) => events.send(JSON.stringify(toLogMessage(entry)));
  for (const entry of [...earlier, ...unseen(meanwhile, earlier)]) onEntry(entry);

  let blockedFor = 0;
  const beat = () => {
    blockedFor = events.isBlocked ? blockedFor + 1 : 0;
    if (blockedFor >= MAX_BLOCKED) res.destroy();
    else if (!identity.stillValid(deps.clock.now())) end();
    else {
      events.heartbeat();
      timer = deps.clock.after(HEARTBEAT_MS, beat);
    }
  };
  timer = deps.clock.after(HEARTBEAT_MS, beat);
}

/** Those of `entries` that are not among `earlier` already: a line may be both read from disk and seen live. */
function unseen(entries: readonly LogEntry[], earlier: readonly LogEntry[]): LogEntry[] {
  const seen = new Map<string, number>();
  for (const entry of earlier) seen.set(identityOf(entry), (seen.get(identityOf(entry)) ?? 0) + 1);
  return entries.filter((entry) => {
    const count = seen.get(identityOf(entry)) ?? 0;
    if (count > 0) seen.set(identityOf(entry), count - 1);
    return count === 0;
  });
}

function identityOf(entry: LogEntry): string {
  return JSON.stringify([entry.service, entry.id, entry.stream, entry.at, entry.message]);
}

/** The entry that stands where lines were dropped. */
function gap(filter: LogFilter, dropped: number, now: number) {
  return toLogMessage({
    service: filter.service ?? '',
    id: filter.id ?? '',
    stream: 'tenement',
    at: now,
    message: `${dropped} lines are missing here: this reader was too slow`,
  });
}
