/**
 * Which directories and files an instance owns, and which instances would get into each other's way. Pure.
 *
 * An instance owns `{data_dir}/{service}/{id}` and each directory that an env value of its service names under
 * `{data_dir}`: the path up to the segment that is exactly `{id}` (or `{version}`, the same by another name). Where `{id}` is only a part
 * of a segment, it owns the path up to that segment: a directory when more follows (`x-{id}/app.db`), else a file
 * (`{id}.db`) with the companions that SQLite puts beside it.
 */
import { join } from 'node:path';
import type { InstanceKey } from '../base/names.js';
import type { Config, ServiceConfig } from './schema.js';

type DataConfig = Pick<Config, 'settings' | 'service'>;

/** Below data_dir and not for instances: tenement's own state with logs and trash, and the admin token. */
export const RESERVED = ['.tenement', '.run', 'api_token'];

const ID = '{id}';
const DATA_DIR = '{data_dir}';
/** Where a path ends inside a longer value, such as a URL of a database or a list of directories. */
const PATH_REST = /^(?:\/[^/\s?#:;,"'&|<>]*)*/;

/** A path below data_dir as an env value names it: its segments, with {name} filled in and {version} written as {id}. */
export interface NamedPath {
  readonly variable: string;
  readonly segments: readonly string[];
}

/** Every path under data_dir that the env table of a service names, with or without an id in it. */
export function namedPaths(config: DataConfig, service: string): NamedPath[] {
  return Object.entries(config.service[service]?.env ?? {}).flatMap(([variable, value]) =>
    pathsIn(value, config.settings.data_dir).map((path) => ({
      variable,
      segments: path
        .replaceAll('{name}', service)
        .replaceAll('{version}', ID)
        .split('/')
        .filter((segment) => segment !== '' && segment !== '.'),
    })),
  );
}

function pathsIn(value: string, dataDir: string): string[] {
  const text = replaceWholePath(value, dataDir, DATA_DIR);
  const rests = text.split(`${DATA_DIR}/`).slice(1);
  const [only] = rests;
  // A value that is one path is a path as a whole, blanks included.
  if (only !== undefined && rests.length === 1 && text.startsWith(DATA_DIR))
    return [only.split(/[:?#]/, 1)[0] ?? ''];
  return rests.map((rest) => PATH_REST.exec(`/${rest}`)?.[0] ?? '');
}

/** Replaces a directory where it is written out, but not where it is the end of a longer path (`/data` in `/srv/data/x`). */
function replaceWholePath(text: string, directory: string, by: string): string {
  return text
    .split(`${directory}/`)
    .reduce((done, next) => `${done}${/[\w.-]$/.test(done) ? directory : by}/${next}`);
}

/** What the instances of a service own, with `{id}` in the last segment. */
export interface PathPattern {
  readonly kind: 'directory' | 'file';
  readonly segments: readonly string[];
}

/** One thing that an instance owns. */
export interface DataPath {
  readonly kind: 'directory' | 'file';
  /** Relative to data_dir, with `/` between the segments. */
  readonly path: string;
}

/** What SQLite puts beside a database (sqlite.org/tempfiles.html): part of its data. */
const COMPANIONS = ['-wal', '-shm', '-journal'];

/** What the instances of a service own; without repetitions. */
export function pathPatterns(config: DataConfig, service: string): PathPattern[] {
  const patterns: PathPattern[] = [{ kind: 'directory', segments: [service, ID] }];
  for (const { segments } of namedPaths(config, service)) {
    const whole = segments.indexOf(ID);
    const end = whole >= 0 ? whole : segments.findIndex((segment) => segment.includes(ID));
    if (end < 0) continue;
    const kind = whole < 0 && end === segments.length - 1 ? 'file' : 'directory';
    patterns.push({ kind, segments: segments.slice(0, end + 1) });
  }
  // Directories last: what one variable names and another names something in is a directory.
  patterns.sort((a, b) => Number(a.kind === 'directory') - Number(b.kind === 'directory'));
  const unique = new Map(patterns.map((pattern) => [pattern.segments.join('/'), pattern]));
  const own = `${service}/${ID}`;
  return [...unique.values()].sort(
    (a, b) => Number(b.segments.join('/') === own) - Number(a.segments.join('/') === own),
  );
}

/** What an instance owns; its own `{service}/{id}` is the first. What lies inside another one of the list is left out: it belongs to it already. */
export function instancePaths(config: DataConfig, service: string, id: string): DataPath[] {
  const all = pathPatterns(config, service).map(({ kind, segments }) => ({
    kind,
    path: segments.map((segment) => segment.replaceAll(ID, id)).join('/'),
  }));
  return all.filter(
    ({ path }, i) =>
      i === 0 || !all.some((other) => other.path !== path && path.startsWith(`${other.path}/`)),
  );
}

/** The absolute directories that an instance owns; its own `{data_dir}/{service}/{id}` is the first. */
export function instanceDirectories(config: DataConfig, service: string, id: string): string[] {
  return instancePaths(config, service, id)
    .filter(({ kind }) => kind === 'directory')
    .map(({ path }) => join(config.settings.data_dir, path));
}

/** Absolute: all that an instance owns, companions of files included, whether it exists or not. For measuring, moving and deleting. */
export function instanceLocations(config: DataConfig, service: string, id: string): string[] {
  return instancePaths(config, service, id)
    .flatMap(withCompanions)
    .map((path) => join(config.settings.data_dir, path));
}

/** A path and what belongs to it by its name, relative to data_dir. */
export function withCompanions({ kind, path }: DataPath): string[] {
  return kind === 'file' ? [path, ...COMPANIONS.map((suffix) => `${path}${suffix}`)] : [path];
}

/**
 * Why an instance can't be registered: its directories would lie in, around or on those of another one, or of tenement
 * itself. For the check when an instance is registered; `isRegistered` is asked about single instances only, so that the
 * cost does not grow with their number.
 * @returns a sentence for people, or undefined.
 */
export function dataPathConflict(
  config: DataConfig,
  key: InstanceKey,
  isRegistered: (key: InstanceKey) => boolean,
): string | undefined {
  for (const path of instancePaths(config, key.service, key.id)) {
    const shown = `its ${path.kind} {data_dir}/${path.path}`;
    if (RESERVED.includes(path.path.split('/')[0] ?? '')) return `${shown} is tenement's own`;
    for (const other of claims(config, path)) {
      if (other.id === undefined) {
        return `${shown} would hold the directories of all instances of the service "${other.service}"`;
      }
      if (other.service === key.service && other.id === key.id) continue;
      if (other.same && other.id === key.id && mayShare(config, key.service, other.service)) continue;
      if (isRegistered({ service: other.service, id: other.id })) {
        return `${shown} overlaps with one of the instance ${other.service}:${other.id}`;
      }
    }
  }
  return undefined;
}

/** Who else a path concerns. */
interface Claim {
  readonly service: string;
  /** Undefined: every instance of the service. */
  readonly id: string | undefined;
  /** The path is exactly theirs, and not inside or around it. */
  readonly same: boolean;
}

/** The instances, registered or not, that own by this config what equals, contains or lies in `path`: its own owner among them. */
export function* claims(config: DataConfig, path: DataPath): Generator<Claim> {
  const dir = path.path.split('/');
  const [, ...companions] = withCompanions(path).map((one) => one.split('/'));
  for (const service of Object.keys(config.service)) {
    for (const theirs of pathPatterns(config, service)) {
      const direct = overlapWith(dir, theirs.segments);
      if (direct !== undefined) yield { service, ...direct };
      // The database of one id may be the companion of another's: with `x{id}`, the ids `a` and `a-wal`.
      for (const one of companions) {
        const match = overlapWith(one, theirs.segments);
        if (match !== undefined) yield { service, ...match, same: false };
      }
      if (theirs.kind !== 'file') continue;
      // And what lies below a companion's name would need it to be a directory.
      const file = dir.slice(0, theirs.segments.length);
      const name = file.at(-1) ?? '';
      if (file.length < theirs.segments.length) continue;
      for (const suffix of COMPANIONS.filter((end) => name.endsWith(end))) {
        const match = overlapWith([...file.slice(0, -1), name.slice(0, -suffix.length)], theirs.segments);
        if (match !== undefined) yield { service, ...match, same: false };
      }
    }
  }
}

/**
 * Whether instances of two services with the same id may use one directory: only where both run as the same user
 * without isolation. Otherwise each start would take the directory away from the other.
 */
export function mayShare(config: DataConfig, a: string, b: string): boolean {
  const plain = (service: ServiceConfig | undefined) =>
    service?.isolation === 'process' && service.user !== 'auto';
  const [one, two] = [config.service[a], config.service[b]];
  return plain(one) && plain(two) && one?.user === two?.user;
}

/**
 * Whether a directory could equal, contain or be contained in one of a pattern, and for which id. The id is undefined when
 * the directory lies above the pattern's `{id}`, so that it concerns every instance.
 */
function overlapWith(
  dir: readonly string[],
  pattern: readonly string[],
): { readonly id: string | undefined; readonly same: boolean } | undefined {
  let id: string | undefined;
  for (let i = 0; i < Math.min(dir.length, pattern.length); i += 1) {
    const [segment, wanted] = [dir[i] ?? '', pattern[i] ?? ''];
    const found = idIn(segment, wanted);
    if (found === undefined) return undefined;
    if (found !== '') {
      if (id !== undefined && id !== found) return undefined;
      id = found;
    }
  }
  return { id, same: dir.length === pattern.length };
}

/** The id for which `wanted` becomes `segment`; '' when it is the same without one, undefined when there is none. */
function idIn(segment: string, wanted: string): string | undefined {
  if (!wanted.includes(ID)) return segment === wanted ? '' : undefined;
  const [before = '', ...rest] = wanted.split(ID);
  const after = rest.at(-1) ?? '';
  const end = rest.length === 1 ? segment.length - after.length : undefined;
  if (end === undefined) return undefined; // `{id}-{id}` before an {id}: nobody writes that, and no directory equals it by accident
  const id = segment.slice(before.length, end);
  return id !== '' && segment === `${before}${id}${after}` ? id : undefined;
}
