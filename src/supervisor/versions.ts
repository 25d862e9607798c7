/** Versions of one service side by side: a health-gated new one, and moving the traffic from one to another. */
import type { Stopwatch, Timer } from '../base/clock.js';
import { asTenementError, TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import type { Registration } from './registration.js';
import type { Supervisor } from './supervisor.js';

interface DeployOptions {
  readonly weight: number;
  readonly timeoutSecs: number | undefined;
  /** Undoes a registration: stops, removes its new directories, forgets. */
  readonly remove: (key: InstanceKey) => Promise<void>;
}

/**
 * Starts `key` without traffic, waits until it is healthy, then gives it its weight. When it does not become healthy a new one
 * is removed again, and one that slept or was held sleeps or is held again, so that nothing has changed.
 */
export async function deploy(
  supervisor: Supervisor,
  registration: Registration,
  key: InstanceKey,
  { weight, timeoutSecs, remove }: DeployOptions,
): Promise<void> {
  needsBalance(supervisor, key.service);
  assertWeight(weight);
  const isNew = supervisor.find(key) === undefined;
  const instance = await registration.ensure(key, { adoptData: false, weight: 0 });
  const { want } = instance;
  const ran = instance.handle !== undefined;
  try {
    await within(supervisor.deps.clock, instance.start('on-demand'), timeoutSecs, formatKey(key));
  } catch (error) {
    const failure = asTenementError(error);
    if (isNew) await remove(key);
    else if (!ran) await instance.stop(want, failure);
    throw failure;
  }
  supervisor.setWeights([{ key, weight }]);
}

/** Moves the whole weight of `from` to `to` in one step; `to` is woken first, so that the traffic finds it ready. */
export async function route(supervisor: Supervisor, from: InstanceKey, to: InstanceKey): Promise<void> {
  needsBalance(supervisor, from.service);
  if (from.id === to.id) throw new TenementError('invalid', 'the two versions are the same');
  const { registry } = supervisor.deps;
  supervisor.get(from);
  await supervisor.get(to).start('on-demand');
  const moved = registry.get(from)?.weight ?? 0;
  const had = registry.get(to)?.weight ?? 0;
  supervisor.setWeights([
    { key: from, weight: 0 },
    { key: to, weight: Math.min(100, moved + had) || 100 },
  ]);
}

/** @throws TenementError invalid */
export function assertWeight(weight: number): void {
  if (Number.isInteger(weight) && weight >= 0 && weight <= 100) return;
  throw new TenementError('invalid', `${weight} is not a weight`, {
    hint: 'Weights are whole numbers from 0 (none) to 100.',
  });
}

function needsBalance(supervisor: Supervisor, service: string): void {
  if (supervisor.service(service).balance) return;
  throw new TenementError(
    'conflict',
    `${service} has no \`balance = true\`: its instances are customers, not versions`,
    {
      hint: `Set \`balance = true\` under [service.${service}] to spread its traffic by weight.`,
    },
  );
}

async function within(
  clock: Stopwatch,
  work: Promise<void>,
  seconds: number | undefined,
  what: string,
): Promise<void> {
  if (seconds === undefined) return work;
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = clock.after(seconds * 1000, () =>
      reject(new TenementError('start_timeout', `${what} was not healthy within ${seconds} s`)),
    );
  });
  try {
    await Promise.race([work, late]);
  } finally {
    timer?.cancel();
  }
}
