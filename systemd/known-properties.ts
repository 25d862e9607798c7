/** Which properties this systemd does not know: one that it does not know makes it refuse the whole unit. */
import { TenementError } from '../src/base/errors.js';
import type { Property, SystemdManager } from './manager.js';

type Starter = Pick<SystemdManager, 'startTransient'>;

/**
 * Names of those of `optional` that systemd refuses, tried on a unit that does nothing.
 * @throws TenementError `systemd_failed` when it refuses for another reason
 */
export async function unknownProperties(
  manager: Starter,
  optional: readonly Property[],
  unit: string,
): Promise<string[]> {
  const missing: string[] = [];
  let left = optional;
  for (;;) {
    try {
      await manager.startTransient(unit, [
        ['Type', 's', 'oneshot'],
        ['ExecStart', 'a(sasb)', [['/bin/true', ['/bin/true'], false]]],
        ['CollectMode', 's', 'inactive-or-failed'],
        ...left,
      ]);
      return missing;
    } catch (error) {
      const name = unknownProperty(error);
      if (name === undefined || !left.some(([one]) => one === name)) throw error;
      missing.push(name);
      left = left.filter(([one]) => one !== name);
    }
  }
}

/** The property that systemd says it does not know (or whose value it does not know), if that is why it refused. */
export function unknownProperty(error: unknown): string | undefined {
  if (!(error instanceof TenementError)) return undefined;
  return /Cannot set property (\w+), or unknown property/.exec(error.message)?.[1];
}
