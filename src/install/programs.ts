/** Versions of the program beside each other: the name of a new one, and which go. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Layout } from './layout.js';
import type { Program } from './program.js';
import type { Installed } from './record.js';
import { linkTarget, type Step } from './step.js';

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
  const recorded = installed === undefined ? [] : standing(installed, places).programs;
  const known = recorded.find((one) => one.digest === digest);
  if (known !== undefined) return known.name;
  const taken = existsSync(join(places.programs, version));
  return taken ? `${version}-${digest.slice(0, 8)}` : version;
}

/** The programs of a record that are there. */
export interface Standing {
  /** The newest last. */
  readonly programs: Installed['programs'];
  /** In use, or before a run that was interrupted; undefined when none was ever. */
  readonly current: string | undefined;
  readonly previous: string | undefined;
}

/** What a record names and no directory has, as of a run that was killed while it copied, is none. */
export function standing(installed: Installed, places: Layout): Standing {
  const isThere = (name: string) => existsSync(join(places.programs, name));
  const { coming } = installed;
  const recorded = installed.programs.filter(({ name }) => name !== coming?.name);
  const programs = [...recorded, ...(coming === undefined ? [] : [coming])].filter(({ name }) =>
    isThere(name),
  );
  const linked = linkTarget(places.current);
  const current = [installed.current, ...(linked === undefined ? [] : [linked])].find(isThere);
  const older = programs.map(({ name }) => name).filter((name) => name !== coming?.name);
  const { previous: wanted } = installed;
  const previous =
    wanted === undefined
      ? undefined
      : [wanted, ...older.reverse()].find((name) => name !== current && isThere(name));
  return { programs, current, previous };
}

/** The program that an interrupted run was to put into use. */
export function unfinished(installed: Installed, places: Layout): string | undefined {
  const { coming, owed = [] } = installed;
  const { current } = standing(installed, places);
  // A version that knows nothing of it leaves it in the record, but nothing owed.
  if (coming !== undefined && owed.length > 0 && coming.name !== current) return coming.name;
  return current !== undefined && installed.current !== current ? installed.current : undefined;
}

/** The newest last. */
export function withProgram(
  stand: Standing | undefined,
  name: string,
  { digest }: Program,
): Pick<Installed, 'programs' | 'current' | 'previous'> {
  const before = stand?.current === name ? stand.previous : stand?.current;
  const others = (stand?.programs ?? []).filter((one) => one.name !== name);
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
