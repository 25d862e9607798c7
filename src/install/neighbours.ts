/** Units of instances of another server, as of a `ten serve` beside the installed one: what they need is not the installation's to end. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Layout } from './layout.js';

export interface Neighbour {
  readonly unit: string;
  /** Of its User=. */
  readonly uid: number | undefined;
  /** What it needs of the runtime directory is named in there. */
  readonly shown: string;
}

const SHOWN = [
  'Id',
  'Slice',
  'Documentation',
  'User',
  'RootDirectory',
  'EnvironmentFiles',
  'Listen',
  'BindPaths',
];
const SCHEME = 'file://';
/** That of the instances of a service, below ours. */
const SLICE = /^tenement(-.*)?\.slice$/;

export interface Units {
  /** Of the installed server, sockets first: so can they be stopped in this order. */
  readonly own: readonly string[];
  readonly others: readonly Neighbour[];
}

export const NO_UNITS: Units = { own: [], others: [] };

/** Reads the machine. `mark`: what the units of the installed server have as Documentation=. */
export async function unitsBeside(mark: string): Promise<Units> {
  const patterns = ['tenement-*.service', 'tenement-*.socket'];
  const { stdout = '' } = await execa('systemctl', ['show', `--property=${SHOWN.join(',')}`, ...patterns], {
    reject: false,
  });
  return unitsIn(stdout, mark);
}

/** Pure. `shown`: by `systemctl show`. One that is marked for nobody is of an older version of ours. */
export function unitsIn(shown: string, mark: string): Units {
  const own: string[] = [];
  const others: Neighbour[] = [];
  for (const text of shown.split(/\n\n+/)) {
    const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
    const marks = value('Documentation')
      .split(' ')
      .filter((one) => one.startsWith(SCHEME));
    const unit = value('Id');
    // By their names alone, units that people have made would be ours, as tenement-backup.service.
    if (!SLICE.test(value('Slice'))) continue;
    if (marks.length === 0 || marks.includes(mark)) {
      own.push(unit);
      continue;
    }
    const uid = /^(?:tenement-)?(\d+)$/.exec(value('User'))?.[1];
    others.push({ unit, uid: uid === undefined ? undefined : Number(uid), shown: text });
  }
  const isSocket = (unit: string) => Number(unit.endsWith('.socket'));
  return { own: own.sort((a, b) => isSocket(b) - isSocket(a)), others };
}

/** isolation/unit/user.ts: names of records of users, without theirs. */
export function usersBut(others: readonly Neighbour[]): RegExp {
  const theirs = others.flatMap(({ uid }) => uid ?? []).map((uid) => `(?!${uid}\\.)`);
  return new RegExp(`^tenement-${theirs.join('')}\\d+\\.(user|group)$`);
}

/** Paths to be removed: all of it, or what none of them needs. */
export function ownRuntime({ runtime }: Pick<Layout, 'runtime'>, others: readonly Neighbour[]): string[] {
  if (others.length === 0) return [runtime];
  if (!existsSync(runtime)) return [];
  return readdirSync(runtime)
    .map((name) => join(runtime, name))
    .filter((path) => !others.some(({ shown }) => new RegExp(`${path}(/|[^0-9a-z]|$)`, 'm').test(shown)));
}
