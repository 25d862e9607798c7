/** What is wrong in `[service.x.systemd]`. Pure. */
import { distance } from 'fastest-levenshtein';
import type { Problem } from './problem.js';
import { runsAsUnit } from './runs-as-unit.js';
import type { ServiceConfig } from './schema.js';
import { isRefusedSetting, UNIT_SETTINGS, unitSettingProblem } from './unit-settings.js';

/** Further away, a suggestion is noise. */
const FARTHEST = 3;

export function checkUnit(name: string, service: ServiceConfig): Problem[] {
  const settings = service.systemd;
  if (settings === undefined) return [];
  const path = ['service', name, 'systemd'];
  if (!runsAsUnit(service)) {
    const message = `means something with \`isolation = "systemd"\` only, and this service has "${service.isolation}"`;
    return [{ path, message }];
  }
  return Object.entries(settings).flatMap(([key, value]) => {
    const message = unitSettingProblem(key, value);
    if (message === undefined) return [];
    const suggestion = isRefusedSetting(key) ? undefined : nearest(key);
    return [{ path: [...path, key], message, ...(suggestion !== undefined && { suggestion }) }];
  });
}

/** Undefined also for a name that is known already. */
function nearest(key: string): string | undefined {
  const known = Object.keys(UNIT_SETTINGS);
  if (known.includes(key)) return undefined;
  const far = (name: string) => distance(key.toLowerCase(), name.toLowerCase());
  const [best] = known.toSorted((a, b) => far(a) - far(b));
  return best !== undefined && far(best) <= FARTHEST ? best : undefined;
}
