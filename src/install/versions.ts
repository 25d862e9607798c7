/** Which program runs: back to the one before. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TenementError } from '../base/errors.js';
import type { Layout } from './layout.js';
import type { Installed } from './record.js';

/**
 * The directory of the program before. It is the one that knows what units it needs, so that its own `ten upgrade` goes back to it.
 * @throws TenementError `install_failed`, `conflict`
 */
export function programBefore(places: Layout, installed: Installed | undefined): string {
  if (installed === undefined) throw notInstalled();
  const { current, previous } = installed;
  if (previous === undefined || !existsSync(join(places.programs, previous))) {
    throw new TenementError('conflict', `There is no version before ${current}`, {
      hint: 'Get the version that you want, and call its own `bin/ten upgrade`.',
    });
  }
  return join(places.programs, previous);
}

export function notInstalled(): TenementError {
  return new TenementError('install_failed', 'tenement is not installed on this machine', {
    hint: '`sudo ten install` does that.',
  });
}
