/** What stands for an instance while nothing of it runs, as a file beside its environment: so that any server finds it again. */
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Property } from '../../systemd/manager.js';
import type { Ref } from '../contract.js';
import { parseRef } from '../ref.js';
import type { Place } from './place.js';

export interface Plan {
  /** Of a run that does not exist: pid 1 and an empty invocation. What a run adds to it is known by systemd. */
  readonly ref: Ref;
  /** The app knows only this port. */
  readonly port: number | undefined;
  /** The file at which systemd listens, as socketFile names it; undefined: not yet known. */
  readonly file?: string;
  /** Of all that would have to be made anew if it were different. */
  readonly fingerprint: string;
}

const SCHEMA = z.object({
  ref: z.unknown(),
  port: z.int().optional(),
  file: z.string().optional(),
  fingerprint: z.string(),
});

/** Undefined when there is none that this version understands. */
export async function readPlan(place: Place): Promise<Plan | undefined> {
  const text = await readFile(place.plan, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { ref, port, file, fingerprint } = SCHEMA.parse(JSON.parse(text));
    const parsed = parseRef(ref);
    return parsed && { ref: parsed, port, ...(file !== undefined && { file }), fingerprint };
  } catch {
    return undefined;
  }
}

/** Whole or not at all. */
export async function writePlan(place: Place, plan: Plan): Promise<void> {
  await writeFile(`${place.plan}~`, JSON.stringify(plan), { mode: 0o600 });
  await rename(`${place.plan}~`, place.plan);
}

/** Pure. The marker of the run is another one each time, and of no importance here. */
export function fingerprint(
  properties: readonly Property[],
  env: Readonly<Record<string, string>>,
  marker: string,
): string {
  const { [marker]: _, ...rest } = env;
  const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
  return createHash('sha256')
    .update(JSON.stringify([properties, rest], plain))
    .digest('hex');
}
