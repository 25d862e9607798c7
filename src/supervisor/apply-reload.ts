/** Carries out what a changed config means for the running instances. */
import { asTenementError, TenementError } from '../base/errors.js';
import type { ConfigChange } from './reload.js';
import { restartService } from './rolling.js';
import type { Supervisor } from './supervisor.js';

/**
 * The new config is in force already. Instances of removed services are stopped; those of changed ones are restarted in batches,
 * as by `ten restart SERVICE`; all others go on and only learn their new timings.
 * @throws TenementError with the first service that did not come back; the rest of that service still runs the old way
 */
export async function applyReload(supervisor: Supervisor, change: ConfigChange): Promise<void> {
  const gone = new TenementError('unknown_host', 'The service was removed from the config');
  const stops: Promise<void>[] = [];
  for (const instance of supervisor.instances) {
    if (change.removed.includes(instance.key.service)) stops.push(instance.stop(instance.want, gone));
    else instance.rearm();
  }
  await Promise.all(stops);
  const failures: TenementError[] = [];
  for (const service of change.changed) {
    try {
      for await (const _ of restartService(supervisor, service));
    } catch (error) {
      failures.push(asTenementError(error));
    }
  }
  const [first] = failures;
  if (first === undefined) return;
  throw new TenementError(first.code, `The new config is in force, but ${first.message}`, {
    hint: 'Mend the service and reload again, or `ten restart` it; what was not restarted runs as before.',
    cause: first,
  });
}
