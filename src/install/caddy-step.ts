/** What is done with /etc/tenement/Caddyfile. Reads the machine and changes nothing. */
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Layout } from './layout.js';
import { isAsWritten, sealOf, unsealed } from './seal.js';
import { contents, type Step } from './step.js';

const CHECK_MS = 20_000;

interface CaddyStep {
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
}

/**
 * `text`: as it should be, sealed. `refusal`: why Caddy would not take a text.
 *
 * As packages do with files that people edit: what is as it was written is replaced. What was changed stays, and the new text is put
 * beside it, once for each new text, not each time.
 */
export function caddyStep(
  places: Layout,
  text: string,
  refusal: (text: string) => string | undefined,
): CaddyStep {
  const { caddyfile: path, proposal } = places;
  const replace: Step = { do: 'file', path, text, mode: 0o644 };
  const propose: Step = { do: 'file', path: proposal, text, mode: 0o644 };
  const noProposal: Step = { do: 'remove', path: proposal, why: `${path} has it` };
  const none = lstatSync(path, { throwIfNoEntry: false }) === undefined;
  const there = contents(path);
  if (there === text) return { steps: [noProposal], notes: [] };
  const refused = refusal(text);
  const because =
    refused === undefined
      ? []
      : [`Caddy of this machine does not take ${path}: ${refused}${remedyFor(refused)}`];
  if (none) return { steps: [replace, noProposal], notes: because };
  if (there !== undefined && (isAsWritten(there) || there === unsealed(text))) {
    if (refused === undefined) return { steps: [replace, noProposal], notes: [] };
    // Caddy would not come back with it after a restart.
    return {
      steps: [propose],
      notes: [
        `${path} stays as it is, as Caddy refuses the new one, ${proposal}: ${refused}${remedyFor(refused)}`,
      ],
    };
  }
  // It was made from this very text: there is nothing new to tell.
  if (there !== undefined && sealOf(there) === sealOf(text)) return { steps: [noProposal], notes: [] };
  return {
    steps: [propose],
    notes: [
      `${path} has changes of yours and stays. As it would be now: diff ${path} ${proposal}. To take that: mv ${proposal} ${path}`,
      ...because,
    ],
  };
}

function remedyFor(refused: string): string {
  return refused.includes('module not registered')
    ? '. docs/production.md has how to get one with that module'
    : '';
}

/** Without Caddy in front any more, or without tenement. */
export function withoutCaddyfile({ caddyfile: path, proposal }: Layout): CaddyStep {
  const there = contents(path);
  const steps: Step[] = [{ do: 'remove', path: proposal, why: 'written by `ten install`' }];
  if (there === undefined || !isAsWritten(there)) {
    const stays = there === undefined ? [] : [`${path} has changes of yours and stays.`];
    return { steps, notes: stays };
  }
  return { steps: [...steps, { do: 'remove', path, why: 'written by `ten install`' }], notes: [] };
}

/** Whether Caddy itself reads it from its own configuration. */
export function importsOurs({ caddyMain, caddyfile }: Layout): boolean {
  const lines = (contents(caddyMain) ?? '').split('\n');
  return lines.some((line) => /^\s*import\s/.test(line) && line.trim().split(/\s+/)[1] === caddyfile);
}

/** Asks the Caddy of this machine, if there is one. Undefined when it has nothing against it. */
export function refusalOfCaddy(text: string): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'tenement-caddy-'));
  const file = join(dir, 'Caddyfile');
  try {
    writeFileSync(file, text);
    // Not `validate`: that also sets up the modules, and those want the token, which only caddy.service has.
    const { status, stderr } = spawnSync('caddy', ['adapt', '--adapter', 'caddyfile', '--config', file], {
      encoding: 'utf8',
      timeout: CHECK_MS,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (status === null || status === 0) return undefined;
    const said = /^Error: (.*)$/m.exec(stderr)?.[1] ?? stderr.trim();
    return said.replaceAll(`${file}:`, 'line ');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
