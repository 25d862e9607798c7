/**
 * Instances that run with other settings than the config has: it was changed while no server was there to see it. They are restarted as a reload
 * of the same change would have done it.
 */
import { asTenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import type { Instance } from './instance.js';
import { mayRestart, restartInBatches } from './rolling.js';
import { changedSince, digestsOf } from './started-with.js';
import type { Supervisor } from './supervisor.js';

/** The settings in which what runs differs from the config; undefined: what it was started with is not known, or nothing of it runs. */
export function outdatedSettings({ deps }: Supervisor, { key, handle }: Instance): string[] | undefined {
  const service = deps.config().service[key.service];
  if (handle === undefined || service === undefined) return undefined;
  const { run, backend } = handle.ref;
  const known = deps.registry.startedWith(key);
  // Of another run, by a version that remembered nothing: what it says is not of this one.
  const isKnown = known !== undefined && (known.run === undefined || known.run === run);
  const changed: string[] = isKnown ? changedSince(known.digests, service) : [];
  if (backend !== service.isolation && !changed.includes('isolation')) changed.push('isolation');
  return isKnown || changed.length > 0 ? changed : undefined;
}

/** Whether what would be started for one at rest, past us, may be other than what the config says. */
export function mayBeOutdated({ deps }: Supervisor, key: InstanceKey): boolean {
  const service = deps.config().service[key.service];
  const known = deps.registry.startedWith(key);
  return service !== undefined && (known === undefined || changedSince(known.digests, service).length > 0);
}

/**
 * Restarts what runs with other settings than it should, in batches and service by service; all others go on untouched. What an earlier version
 * has started, which did not remember its settings, is taken as it is. Failures are logged: then the rest of that service still runs as before.
 */
export async function renewOutdated(supervisor: Supervisor): Promise<void> {
  const { log } = supervisor.deps;
  const running = [...supervisor.instances].filter(mayRestart);
  takeAsItIs(supervisor, running);
  const due = (one: Instance) => (outdatedSettings(supervisor, one)?.length ?? 0) > 0;
  const cause = (one: Instance) => `other settings: ${(outdatedSettings(supervisor, one) ?? []).join(', ')}`;
  const outdated = running.filter(due);
  for (const service of new Set(outdated.map(({ key }) => key.service))) {
    const those = outdated.filter(({ key }) => key.service === service);
    for (const one of those) {
      log.info(
        { instance: formatKey(one.key), settings: outdatedSettings(supervisor, one) },
        'runs with settings that were changed while no server ran: it is restarted',
      );
    }
    try {
      for await (const _ of restartInBatches(those, { due, cause }));
    } catch (error) {
      const { code, hint, message } = asTenementError(error);
      if (code === 'shutting_down') return;
      log.error({ code, hint }, `the settings that were changed are in force, but ${message}`);
    }
  }
}

/** From now on what the config says is what it was started with: the next change reaches it. */
function takeAsItIs(supervisor: Supervisor, running: readonly Instance[]): void {
  const { registry, config, log } = supervisor.deps;
  // What is only just being launched has no process yet, and the settings of now.
  const unknown = running.filter(
    (one) => one.handle !== undefined && outdatedSettings(supervisor, one) === undefined,
  );
  for (const { key, handle } of unknown) {
    const service = config().service[key.service];
    if (service === undefined || handle === undefined) continue;
    try {
      registry.saveStartedWith(key, { run: handle.ref.run, digests: digestsOf(service) });
    } catch (error) {
      // A full disk keeps nobody else from being restarted; the next server warns again.
      log.error({ err: error, instance: formatKey(key) }, 'its settings could not be remembered');
    }
  }
  const services = [...new Set(unknown.map(({ key }) => key.service))].sort();
  if (services.length === 0) return;
  log.warn(
    { services, instances: unknown.length },
    'an earlier version has started what runs, and did not remember with which settings: it goes on as it is; if the config was changed since, `ten restart SERVICE`',
  );
}
