/**
 * Which directories an instance owns, and which instances would get into each other's way. Pure.
 *
 * An instance owns `{data_dir}/{service}/{id}` and each directory that an env value of its service names under
 * `{data_dir}`: the path up to the segment that is exactly `{id}` (or `{version}`, the same by another name).
 */
import { join } from 'node:path';
import type { InstanceKey } from '../base/names.js';
import type { Config, ServiceConfig } from './schema.js';

type DataConfig = Pick<Config, 'settings' | 'service'>;

/** Below data_dir and not for instances: tenement's own state with logs and trash, and the admin token. */
export const RESERVED = ['.tenement', 'api_token'];

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

/** The directories of a service's instances as segments below data_dir, each ending in `{id}`; without repetitions. */
export function directoryPatterns(config: DataConfig, service: string): string[][] {
  const patterns = [[service, ID]];
  for (const { segments } of namedPaths(config, service)) {
    const end = segments.indexOf(ID);
    if (end >= 0) patterns.push(segments.slice(0, end + 1));
  }
  return [...new Map(patterns.map((pattern) => [pattern.join('/'), pattern])).values()];
}

/**
 * The absolute directories that an instance owns; its own `{data_dir}/{service}/{id}` is the first. A directory inside
 * another one of the list is left out: it belongs to it already.
 */
export function instanceDirectories(config: DataConfig, service: string, id: string): string[] {
  const all = directoryPatterns(config, service).map((pattern) =>
    join(config.settings.data_dir, ...pattern.map((segment) => segment.replaceAll(ID, id))),
  );
  return all.filter(
    (dir, i) => i === 0 || !all.some((other) => other !== dir && dir.startsWith(`${other}/`)),
  );
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
  for (const pattern of directoryPatterns(config, key.service)) {
    const dir = pattern.map((segment) => segment.replaceAll(ID, key.id));
    const shown = `{data_dir}/${dir.join('/')}`;
    if (RESERVED.includes(dir[0] ?? '')) return `its directory ${shown} is tenement's own`;
    for (const other of Object.keys(config.service)) {
      for (const theirs of directoryPatterns(config, other)) {
        const match = overlapWith(dir, theirs);
        if (match === undefined) continue;
        if (match.id === undefined) {
          return `its directory ${shown} would hold the directories of all instances of the service "${other}"`;
        }
        if (other === key.service && match.id === key.id) continue;
        if (match.same && match.id === key.id && mayShare(config, key.service, other)) continue;
        if (isRegistered({ service: other, id: match.id })) {
          return `its directory ${shown} overlaps with one of the instance ${other}:${match.id}`;
        }
      }
    }
  }
  return undefined;
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
