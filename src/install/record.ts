/** What `ten install` has done, for the next run, `ten rollback` and `ten uninstall`: a file in the programs' directory. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { TenementError } from '../base/errors.js';
import { asked } from './asked.js';
import { layout } from './layout.js';
import { ask } from './owed.js';
import { type UnitNeeds, unitNeeds } from './unit-needs.js';

const programDirectory = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/);

// What a newer version has added stays there when an older one, after a rollback, writes it again.
const schema = z.looseObject({
  format: z.literal(1),
  domain: z.string(),
  /** Installed versions, the newest last; each is the name of a directory. */
  programs: z.array(z.object({ name: programDirectory, digest: z.string() })),
  current: programDirectory,
  previous: programDirectory.optional(),
  config: z.object({
    /** Where it came from; absent when it was in /etc/tenement already. */
    from: z.string().optional(),
    /** Where the file that it was made from is kept. */
    backup: z.string().optional(),
    /** SHA-256 of what was written. */
    digest: z.string().optional(),
  }),
  dataDir: z.string(),
  caddy: z.boolean(),
  /** Of Caddy's certificates with wildcards. */
  dnsProvider: z.string().optional(),
  /** What the units were made for; absent in a record of an older version. */
  needs: unitNeeds.optional(),
  /** Files that stood in the way and were put aside: path -> where it is now. */
  aside: z.record(z.string(), z.string()),
  /** The program that a run is putting into use: of a run that was interrupted. Until then `current` is the one before. */
  coming: z.object({ name: programDirectory, digest: z.string() }).optional(),
  /** What a first installation was asked for, until it is done: the same command without options goes on with it. */
  asked: asked.optional(),
  /** What systemd and Caddy have still to be asked for: of a run that was interrupted, or that was not to start anything. */
  owed: z.array(ask).optional(),
});
export type Installed = z.infer<typeof schema>;

/** Undefined when nothing is installed. @throws TenementError `install_failed` when it cannot be read */
export function readRecord(path: string): Installed | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new TenementError('install_failed', `${path}, which says what is installed, cannot be used`, {
      hint: 'Restore it from a backup, or move it away and run `ten install` again.',
      cause,
    });
  }
}

/** What the installed units were made for, if they serve that configuration; undefined also when that is not known. */
export function installedNeeds(config: string, places = layout()): UnitNeeds | undefined {
  if (config !== places.config) return undefined;
  try {
    return readRecord(places.record)?.needs;
  } catch {
    // `ten install` says what is wrong with it; a server does not need it.
    return undefined;
  }
}

/** The same for the same contents: by it an installation knows that nothing changed. */
export function recordText(installed: Installed): string {
  const keys = [...Object.keys(schema.shape), ...Object.keys(installed).sort()];
  const ordered = Object.fromEntries([...new Set(keys)].map((key) => [key, installed[key]]));
  return `${JSON.stringify(ordered, null, 2)}\n`;
}
