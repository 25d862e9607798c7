/**
 * Attack: an app in the machine's network listens on every port of `port_range`, and no other instance can be started. It is found by its uid
 * when the range has run out.
 */
import type { Ref } from '../../isolation/contract.js';
import type { Listening } from '../../isolation/index.js';
import { asTenementError, TenementError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import type { MakeRoom } from './ports.js';

/** An instance that runs. */
export interface Runner {
  readonly key: InstanceKey;
  readonly ref: Pick<Ref, 'uid' | 'exclusive' | 'address' | 'forwardTo' | 'forwardToHost'>;
}

export interface Squatter {
  readonly key: InstanceKey;
  /** How many ports of the range that are not its own it listens on. */
  readonly ports: number;
}

/** The one that listens on most ports of the range beside its own. Pure. What shares its uid with others is not accused. */
export function worstSquatter(
  [first, last]: readonly [number, number],
  runners: Iterable<Runner>,
  listening: readonly Listening[],
): Squatter | undefined {
  const byUid = new Map<number, Set<number>>();
  for (const { port, uid } of listening) {
    if (port < first || port > last) continue;
    byUid.set(uid, (byUid.get(uid) ?? new Set()).add(port));
  }
  let worst: Squatter | undefined;
  for (const { key, ref } of runners) {
    if (ref.uid === undefined || ref.exclusive !== true) continue;
    const held = byUid.get(ref.uid) ?? new Set();
    const own = 'port' in ref.address ? ref.address.port : (ref.forwardToHost ?? ref.forwardTo);
    const ports = [...held].filter((port) => port !== own).length;
    if (ports > (worst?.ports ?? 0)) worst = { key, ports };
  }
  return worst;
}

export interface EvictionDeps {
  readonly running: () => Iterable<Runner>;
  readonly listening: () => Promise<readonly Listening[]>;
  /** Stops it, and keeps requests from waking it. Resolves when nothing of it is left. */
  readonly hold: (key: InstanceKey, why: TenementError) => Promise<void>;
  readonly log: Log;
}

/** Stops and holds the worst, one with each call: an app with a second port of its own is left alone if that is enough. Never rejects. */
export function evictSquatters(deps: EvictionDeps): MakeRoom {
  return ([first, last]) =>
    evictWorst(
      deps,
      [first, last],
      (ports) =>
        `it listened on ${ports} port${ports === 1 ? '' : 's'} of port_range (${first} to ${last}) that ${ports === 1 ? 'was' : 'were'} not its own, and no other instance could start`,
    );
}

/**
 * Stops and holds whoever listens where the server is about to. Never rejects.
 *
 * Attack: instances outlive a server that crashes. An app in the machine's network that waits for that has the server's port the moment it is free:
 * no server could start any more, and what a web server in front sends there, for all customers, came to it.
 */
export async function evictFromOwnPorts(ports: readonly number[], deps: EvictionDeps): Promise<void> {
  for (const port of new Set(ports)) {
    const why = `it listened on port ${port}, which is the server's`;
    while (port !== 0 && (await evictWorst(deps, [port, port], () => why)));
  }
}

async function evictWorst(
  { running, listening, hold, log }: EvictionDeps,
  range: readonly [number, number],
  because: (ports: number) => string,
): Promise<boolean> {
  const squatter = worstSquatter(range, running(), await listening());
  if (squatter === undefined) return false;
  const instance = formatKey(squatter.key);
  const why = because(squatter.ports);
  log.warn({ instance, ports: squatter.ports }, `${instance} is stopped and held: ${why}`);
  try {
    await hold(squatter.key, new TenementError('held', `stopped and held: ${why}`, { retryAfterSecs: 300 }));
    return true;
  } catch (error) {
    log.error({ err: error, instance }, `it could not be held: ${asTenementError(error).message}`);
    return false;
  }
}
