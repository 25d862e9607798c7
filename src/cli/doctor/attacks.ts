/** What hostile customers reach on this machine, as measured with probe instances, for each way of keeping them apart. */
import {
  type Attack,
  type AttackId,
  type Backend,
  type Backends,
  createBackends,
  type Host,
  type Identity,
  measure,
  nameOf,
  type Outcome,
  type Outcomes,
  promises,
  remedy,
  type Way,
  waysOf,
} from '../../../isolation/index.js';
import { asTenementError } from '../../base/errors.js';
import { standing } from './standing.js';

/** One way with what came out. */
export interface Measured {
  readonly way: Way;
  readonly name: string;
  /** Undefined when it could not be measured; then `error` says why. */
  readonly outcomes: Outcomes | undefined;
  readonly error: string | undefined;
}

/** More at once would only make each of them slower. */
const AT_ONCE = 3;
/** Nothing is begun after that; each takes a few seconds. */
const BEGIN_WITHIN_MS = 12_000;
/** Between the ranges of containers and the default `uid_range`. */
const PROBE_UIDS = 1_899_000_000;

/** Never rejects. `first`: names of ways that are measured before the others, as somebody relies on them. */
export async function measureAttacks(host: Host, first: readonly string[] = []): Promise<Measured[]> {
  const backends = createBackends(host);
  const until = performance.now() + BEGIN_WITHIN_MS;
  const queue = waysOf(host, backends).map((way, i) => ({ way, i }));
  const rank = ({ way }: { way: Way }) => (first.includes(nameOf(way)) ? 0 : 1);
  queue.sort((a, b) => rank(a) - rank(b));
  const measured: Measured[] = [];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      measured[next.i] = await one(next.way, backends, host, until);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return measured;
}

async function one(way: Way, backends: Backends, host: Host, until: number): Promise<Measured> {
  const name = nameOf(way);
  const backend = backends.get(way.backend);
  try {
    if (backend === undefined) throw new Error('there is no such backend');
    if (performance.now() > until) throw new Error('this machine was too busy to get to it');
    const outcomes = await measured(way, backend, host);
    return { way, name, outcomes, error: undefined };
  } catch (error) {
    return { way, name, outcomes: undefined, error: asTenementError(error).message };
  }
}

async function measured(way: Way, backend: Backend, host: Host): Promise<Outcomes> {
  const stands = standing(backend);
  try {
    return await measure({ way, backend: stands.backend, host, newIdentity });
  } finally {
    await stands.close();
  }
}

let lastUid = PROBE_UIDS + ((process.pid * 32) % 900_000);

function newIdentity(): Identity {
  lastUid += 1;
  return { uid: lastUid, gid: lastUid, exclusive: true };
}

/** One attack on one way, as it is told. */
export interface Finding extends Outcome {
  readonly way: string;
  readonly promised: boolean;
  /** For each open one. */
  readonly remedy?: string;
}

/** Pure. */
export function findingsOf({ id }: Attack, measured: readonly Measured[]): Finding[] {
  return measured.flatMap(({ way, name, outcomes }) => {
    const found = outcomes?.[id];
    if (found === undefined) return [];
    const promised = promises(way, id);
    return [{ way: name, ...found, promised, ...(found.outcome === 'open' && { remedy: remedy(way, id) }) }];
  });
}

/** Pure: attacks that succeeded against a way that promises to block them. */
export function brokenPromises({ way, outcomes }: Measured): AttackId[] {
  if (outcomes === undefined) return [];
  return (Object.keys(outcomes) as AttackId[]).filter(
    (id) => outcomes[id].outcome === 'open' && promises(way, id),
  );
}
