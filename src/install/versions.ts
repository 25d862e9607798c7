/** Which program runs: back to the one before. */
import { join } from 'node:path';
import { TenementError } from '../base/errors.js';
import type { Layout } from './layout.js';
import { standing, unfinished } from './programs.js';
import type { Installed } from './record.js';

export interface Before {
  /** Its directory. It is the one that knows what units it needs, so that its own `ten upgrade` goes back to it. */
  readonly at: string;
  /** The version of an upgrade that was cut off: going back is to the one that ran before that, which may still run. */
  readonly cutOff?: string;
}

/** @throws TenementError `install_failed`, `conflict` */
export function programBefore(places: Layout, installed: Installed | undefined): Before {
  if (installed === undefined) throw notInstalled();
  const { current, previous } = standing(installed, places);
  const cut = unfinished(installed, places);
  // A rollback that was cut off goes on.
  if (cut !== undefined && cut !== previous && current !== undefined)
    return { at: join(places.programs, current), cutOff: cut };
  if (previous === undefined) {
    throw new TenementError('conflict', `There is no version before ${current ?? installed.current}`, {
      hint: 'Get the version that you want, and call its own `bin/ten upgrade`.',
    });
  }
  return { at: join(places.programs, previous) };
}

export function notInstalled(): TenementError {
  return new TenementError('install_failed', 'tenement is not installed on this machine', {
    hint: '`sudo ten install` does that.',
  });
}
