/** Settings of our units that people have made beside them: by `systemctl set-property`, `systemctl edit` or by hand. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Layout, UNITS } from './layout.js';
import type { Plan, Step } from './step.js';

/** What `systemctl edit` writes. */
const EDITED = 'override.conf';

/**
 * What systemd has written for them goes with `purge`: nobody would look for it, and the next installation would have it. Without it all stays,
 * and so does always what has other names, as somebody has put it there, and what the slice has while others are below it.
 */
export function settingsOf(places: Layout, purge: boolean, sliceStays: boolean): Plan {
  const steps: Step[] = [];
  const notes: string[] = [];
  for (const unit of UNITS) {
    for (const [path, by, own] of [
      [join(places.control, `${unit}.d`), 'systemctl set-property', undefined],
      [join(places.units, `${unit}.d`), 'systemctl edit', EDITED],
    ] as const) {
      if (!existsSync(path)) continue;
      const isMade = readdirSync(path).every((name) => own === undefined || name === own);
      if (purge && isMade && !(sliceStays && unit === 'tenement.slice'))
        steps.push({ do: 'remove', path, why: `settings of ${unit}, by \`${by}\`` });
      else notes.push(`${path} has settings of yours for ${unit} and stays: rm -r ${path}`);
    }
  }
  if (steps.some((step) => 'path' in step && step.path.startsWith(`${places.control}/`)))
    steps.push({ do: 'remove-directory', path: places.control });
  return { steps, notes };
}
