/** Restarting a whole service without taking all of it down. */
import { asTenementError, TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import type { Instance } from './instance.js';
import type { Supervisor } from './supervisor.js';

/** A quarter of the awake instances at a time, at most this many: the others go on answering. */
const LARGEST_BATCH = 8;

/**
 * It runs, or is about to with the settings of a moment ago, and nobody wants it down: a restart of many must end nobody's hold and wake nothing
 * that sleeps.
 */
export const mayRestart = (one: Instance): boolean =>
  (one.handle !== undefined || one.state === 'starting') && one.refusal === undefined;

/** What a restart tells of each instance that it has brought back. */
interface Progress {
  readonly key: InstanceKey;
  readonly done: number;
  readonly total: number;
}

/** Restarts the awake instances of a service. @throws TenementError not_found, and as restartInBatches */
export async function* restartService(supervisor: Supervisor, service: string): AsyncIterable<Progress> {
  supervisor.service(service);
  const awake = [...supervisor.instances].filter((one) => one.key.service === service && mayRestart(one));
  yield* restartInBatches(awake, { due: () => true, cause: () => 'the service is restarted' });
}

/**
 * Restarts awake instances of one service in batches, each waiting until its instances are healthy; sleeping ones will start the new way
 * anyway, for which frozen ones are stopped. Stops at the first failure: then the rest still runs as before.
 * @throws TenementError with the first that did not come back
 */
export async function* restartInBatches(
  awake: readonly Instance[],
  { due, cause }: { due: (one: Instance) => boolean; cause: (one: Instance) => string },
): AsyncIterable<Progress> {
  const total = awake.length;
  const size = Math.min(LARGEST_BATCH, Math.max(1, Math.floor(total / 4)));
  let done = 0;
  while (done < total) {
    const batch = awake.slice(done, done + size);
    const outcomes = await Promise.allSettled(
      // Some may have gone to sleep, or have been held, while the earlier batches were restarted.
      batch.map(async (one) => {
        if (mayRestart(one) && due(one)) await one.renew(cause(one));
      }),
    );
    for (const [i, outcome] of outcomes.entries()) {
      const key = batch[i]?.key;
      if (key === undefined) continue;
      done += 1;
      if (outcome.status === 'rejected') {
        const cause = asTenementError(outcome.reason);
        throw new TenementError(
          cause.code,
          `${formatKey(key)} did not come back after ${done - 1} of ${total}: ${cause.message}`,
          {
            hint: cause.hint,
            cause,
          },
        );
      }
      yield { key, done, total };
    }
  }
}
