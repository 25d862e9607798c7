/** Versions of the program beside each other: the name of a new one, and which go. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Layout } from './layout.js';
import type { Program } from './program.js';
import type { Installed } from './record.js';
import type { Step } from './step.js';

/** With the one in use: enough to go back, and back again. */
const KEPT = 3;
/** What was being copied or deleted when a run was killed. */
const HALF = /^\.(incoming|outgoing)-/;

/** The version, and when another program of that version is there, as in development, a part of the digest with it. */
export function programName(
  { version, digest, at }: Program,
  installed: Installed | undefined,
  places: Layout,
): string {
  // It runs from there; the record may have been lost.
  if (dirname(at) === places.programs) return basename(at);
  const known = installed?.programs.find((one) => one.digest === digest);
  if (known !== undefined && existsSync(join(places.programs, known.name))) return known.name;
  const taken = existsSync(join(places.programs, version));
  return taken ? `${version}-${digest.slice(0, 8)}` : version;
}

/** The newest last. */
export function withProgram(
  installed: Installed | undefined,
  name: string,
  { digest }: Program,
): Pick<Installed, 'programs' | 'current' | 'previous'> {
  const before = installed?.current === name ? installed.previous : installed?.current;
  const others = (installed?.programs ?? []).filter((one) => one.name !== name);
  return {
    programs: [...others, { name, digest }],
    current: name,
    ...(before !== undefined && { previous: before }),
  };
}

/** Those to which nobody goes back any more are left out. */
export function pruned({ programs, current, previous }: Installed): Installed['programs'] {
  const newest = programs.slice(-KEPT);
  return programs.filter((one) => newest.includes(one) || one.name === current || one.name === previous);
}

/** Every program that is there and not to be kept, also what killed runs have left. */
export function removeOthers(places: Layout, kept: readonly string[]): Step[] {
  return [
    ...programsIn(places)
      .filter((name) => !kept.includes(name))
      .map((name): Step => ({ do: 'remove-program', path: join(places.programs, name) })),
    {
      do: 'remove-matching',
      path: places.programs,
      names: HALF,
      what: 'what an interrupted installation has left',
    },
  ];
}

/** Names of directories; what people have put there is none. */
function programsIn({ programs }: Layout): string[] {
  if (!existsSync(programs)) return [];
  return readdirSync(programs, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !HALF.test(entry.name) && isProgram(join(programs, entry.name)))
    .map(({ name }) => name)
    .sort();
}

function isProgram(directory: string): boolean {
  try {
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')).name === 'tenement';
  } catch {
    return false;
  }
}
