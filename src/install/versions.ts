/** Which program runs: the acts of `ten rollback`, and the tidying up after an upgrade. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TenementError } from '../base/errors.js';
import type { Layout } from './layout.js';
import { type Installed, recordText } from './record.js';
import type { Step } from './step.js';

/** Beside the one in use: enough to go back, and back again. */
const KEPT = 3;
const RESTART: Step = { do: 'run', command: ['systemctl', 'restart', 'tenement.service'] };

/** @throws TenementError `install_failed`, `conflict` */
export function planRollback(places: Layout, installed: Installed | undefined): Step[] {
  if (installed === undefined) throw notInstalled();
  const { current, previous } = installed;
  if (previous === undefined || !existsSync(join(places.programs, previous))) {
    throw new TenementError('conflict', `There is no version before ${current}`, {
      hint: 'Get the version that you want, and call its own `bin/ten upgrade`.',
    });
  }
  return [
    { do: 'link', path: places.current, to: previous },
    {
      do: 'file',
      path: places.record,
      text: recordText({ ...installed, current: previous, previous: current }),
      mode: 0o644,
    },
    RESTART,
  ];
}

/** The programs that nobody goes back to any more. */
export function planPrune(places: Layout, installed: Installed): Step[] {
  const old = installed.programs
    .slice(0, -KEPT)
    .filter(({ name }) => name !== installed.current && name !== installed.previous);
  if (old.length === 0) return [];
  const programs = installed.programs.filter((one) => !old.includes(one));
  return [
    ...old.map(({ name }): Step => ({ do: 'remove', path: join(places.programs, name), why: 'old version' })),
    { do: 'file', path: places.record, text: recordText({ ...installed, programs }), mode: 0o644 },
  ];
}

export function notInstalled(): TenementError {
  return new TenementError('install_failed', 'tenement is not installed on this machine', {
    hint: '`sudo ten install` does that.',
  });
}
