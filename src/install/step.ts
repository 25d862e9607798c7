/** The smallest acts of an installation. What is done already is no longer pending, so that doing all twice changes nothing. */
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

export type Step =
  | { readonly do: 'directory'; readonly path: string; readonly mode: number }
  /** Of the owner that the file has already; `like`: else of the owner of that one. */
  | {
      readonly do: 'file';
      readonly path: string;
      readonly text: string;
      readonly mode: number;
      readonly like?: string;
    }
  | { readonly do: 'link'; readonly path: string; readonly to: string }
  /** The program that runs, to a directory of its own. */
  | { readonly do: 'program'; readonly path: string }
  | { readonly do: 'rename'; readonly path: string; readonly to: string; readonly why: string }
  | { readonly do: 'remove'; readonly path: string; readonly why: string }
  /** Never half there under its name. */
  | { readonly do: 'remove-program'; readonly path: string }
  /** What lies in the directory `path` under such names when it is carried out, and links to that. */
  | { readonly do: 'remove-matching'; readonly path: string; readonly names: RegExp; readonly what: string }
  /** If it is empty. */
  | { readonly do: 'remove-directory'; readonly path: string }
  | {
      readonly do: 'run';
      readonly command: readonly [string, ...string[]];
      readonly mayFail?: boolean;
      /** Addresses that it takes, as ListenStream= has them: where that fails, who has them is told. */
      readonly listens?: readonly string[];
      /** Of a command that is too long to be read. */
      readonly what?: string;
    };

/** Acts in their order, and remarks for people. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
}

/** Whether it would change anything. Commands always would. */
export function isPending(step: Step): boolean {
  switch (step.do) {
    case 'directory':
    case 'program':
      return !lstatSync(step.path, { throwIfNoEntry: false })?.isDirectory();
    case 'file':
      return contents(step.path) !== step.text;
    case 'link':
      return linkTarget(step.path) !== step.to;
    case 'rename':
    case 'remove':
    case 'remove-program':
    case 'remove-directory':
      return lstatSync(step.path, { throwIfNoEntry: false }) !== undefined;
    case 'remove-matching':
      return matching(step).length > 0;
    case 'run':
      return true;
  }
}

/** Absolute paths. */
export function matching({ path, names }: { readonly path: string; readonly names: RegExp }): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .map((name) => join(path, name))
    .filter((one) => [basename(one), linkTarget(one)].some((name) => name !== undefined && names.test(name)));
}

/** Undefined when it is no file. */
export function contents(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'utf8') : undefined;
}

/** Undefined when it is no link. */
export function linkTarget(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
}

/** One line for people, and the whole text of a file in `details`. */
export function describe(step: Step): string {
  switch (step.do) {
    case 'directory':
      return `make the directory ${step.path} (mode ${step.mode.toString(8).padStart(4, '0')})`;
    case 'file':
      return `${contents(step.path) === undefined ? 'write' : 'replace'} ${step.path} (mode ${step.mode.toString(8).padStart(4, '0')})`;
    case 'link':
      return `link ${step.path} -> ${step.to}`;
    case 'program':
      return `copy this program to ${step.path}`;
    case 'rename':
      return `move ${step.path} to ${step.to} (${step.why})`;
    case 'remove':
      return `remove ${step.path} (${step.why})`;
    case 'remove-program':
      return `remove ${step.path} (program)`;
    case 'remove-matching':
      return `remove ${step.what} from ${step.path}`;
    case 'remove-directory':
      return `remove the directory ${step.path} if it is empty`;
    case 'run':
      return step.what ?? `run: ${step.command.join(' ')}`;
  }
}

/** What `--dry-run` prints: each act, and under it the text that it would write. */
export function describeInFull(step: Step): string {
  if (step.do !== 'file') return describe(step);
  const text = step.text.replace(/\n$/, '').split('\n');
  return [describe(step), ...text.map((line) => `    ${line}`.trimEnd())].join('\n');
}

/** Of what takes the place of `path` when it is whole. A run that is killed leaves it. */
export function temporaryName(path: string): string {
  return `.${basename(path)}.incoming`;
}
