/** What `ten uninstall` does, as a list of acts: all that `ten install` made goes, the data and what people wrote stays. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { rulesLeftOver } from '../../isolation/index.js';
import { isOurs } from '../../systemd/units/marker.js';
import { TenementError } from '../base/errors.js';
import { importsOurs, withoutCaddyfile } from './caddy-step.js';
import { sha256 } from './install.js';
import { type Layout, UNITS, unitPaths } from './layout.js';
import { NO_UNITS, ownRuntime, type Units, usersBut } from './neighbours.js';
import { removeOthers } from './programs.js';
import type { Installed } from './record.js';
import { settingsOf } from './settings.js';
import { contents, isPending, linkTarget, matching, type Plan, type Step, temporaryName } from './step.js';

/** Not by PATH: in a checkout under npm, another program of this name is on it. */
const NFT = '/usr/sbin/nft';
const RULES = 'remove the rules that kept instances apart on loopback';
const TABLE = 'remove the table of these rules, if nobody else uses it';

const HALF = new RegExp(
  `^(${['tenement.toml', ...UNITS, 'Caddyfile', 'Caddyfile.new', 'install.json', 'ten', 'current'].map(temporaryName).join('|').replaceAll('.', '\\.')})$`,
);

/** Also of an installation that was interrupted: then `installed` is undefined. `beside`: what runs below tenement.slice. */
export function planUninstall(
  places: Layout,
  installed: Installed | undefined,
  purge: boolean,
  beside: Units = NO_UNITS,
): Plan {
  const { others } = beside;
  const steps: Step[] = [];
  const notes: string[] = [];
  const run = (...command: [string, ...string[]]) => steps.push({ do: 'run', command, mayFail: true });
  const units = UNITS.map((unit) => unitPaths(places)[unit]).filter((path) => isOurs(contents(path) ?? ''));
  const settings = settingsOf(places, purge, others.length > 0);
  notes.push(...settings.notes);
  if (units.length > 0 || installed !== undefined || settings.steps.length > 0) {
    // The socket first: else the next connection starts the service again.
    run('systemctl', 'disable', '--quiet', '--now', 'tenement.socket');
    run('systemctl', 'disable', '--quiet', '--now', 'tenement.service');
    if (others.length === 0) run('systemctl', 'stop', 'tenement.slice');
    else for (const unit of beside.own) run('systemctl', 'stop', unit);
    for (const path of units) steps.push({ do: 'remove', path, why: 'unit' });
    for (const [path, aside] of Object.entries(installed?.aside ?? {})) {
      if (existsSync(aside)) steps.push({ do: 'rename', path: aside, to: path, why: 'it was there before' });
    }
    steps.push(...settings.steps);
    run('systemctl', 'daemon-reload');
    run('systemctl', 'reset-failed', 'tenement.service', 'tenement.socket');
  }
  steps.push(...configBack(places, installed, notes));
  const front = withoutCaddyfile(places);
  steps.push(...front.steps);
  notes.push(...front.notes);
  if (front.steps.some((step) => 'path' in step && step.path === places.caddyfile) && importsOurs(places))
    notes.push(
      `${places.caddyMain} imports ${places.caddyfile}: take that line out, or Caddy does not start again.`,
    );
  for (const path of ownRuntime(places, others)) steps.push({ do: 'remove', path, why: 'roots of units' });
  if (others.length > 0)
    notes.push(
      `Of another server, and left alone: ${others.map(({ unit }) => unit).join(', ')}. They, and tenement.slice above them, run on.`,
    );
  // Of instances that systemd listens for: those outlive the server, and have ended with the slice.
  const users = { path: places.users, names: usersBut(others) };
  const uids = matching(users).flatMap((path) => /^tenement-(\d+)\.user$/.exec(basename(path))?.[1] ?? []);
  for (const [i, script] of (uids.length === 0 ? [] : rulesLeftOver(uids.map(Number))).entries())
    steps.push({ do: 'run', command: [NFT, script], mayFail: true, what: i === 0 ? RULES : TABLE });
  steps.push({ do: 'remove-matching', ...users, what: 'users of instances' });
  const dataDir = installed?.dataDir ?? places.dataDir;
  if (purge) steps.push({ do: 'remove', path: refuseForeign(dataDir), why: 'all data of all customers' });
  // An empty one, as when the server never ran.
  else if (isEmpty(dataDir)) steps.push({ do: 'remove-directory', path: dataDir });
  for (const path of [places.configDir, places.units, dirname(places.command), places.programs])
    steps.push({
      do: 'remove-matching',
      path,
      names: HALF,
      what: 'what an interrupted installation has left',
    });
  steps.push({ do: 'remove-directory', path: places.configDir });
  // The program last, so that a run that is killed can be called again.
  if (linkTarget(places.command)?.startsWith(`${places.programs}/`))
    steps.push({ do: 'remove', path: places.command, why: 'link to the program' });
  steps.push({ do: 'remove', path: places.current, why: 'link to the program' });
  steps.push(...removeOthers(places, []));
  steps.push({ do: 'remove', path: places.record, why: 'record of the installation' });
  steps.push({ do: 'remove-directory', path: places.programs });
  if (!purge && existsSync(join(dataDir, '.tenement')))
    notes.push(`Data stays in ${dataDir}; --purge would delete it.`);
  return { steps: steps.filter(isPending), notes };
}

/** The file goes back to where it came from: as it was, or with what was changed since. */
function configBack(places: Layout, installed: Installed | undefined, notes: string[]): Step[] {
  const now = contents(places.config);
  const { from, backup, digest } = installed?.config ?? {};
  if (now === undefined) return [];
  const isHome =
    from !== undefined &&
    existsSync(from) &&
    (contents(from) === now || (sha256(now) === digest && !isThere(backup)));
  // An uninstallation was killed in between.
  if (isHome) {
    const copies = [places.config, ...(backup === undefined ? [] : [backup])];
    return copies.map((path) => ({ do: 'remove', path, why: `it is ${from} again` }));
  }
  if (from === undefined || !existsSync(dirname(from)) || existsSync(from)) {
    notes.push(`${places.config} is yours and stays.`);
    const isTwice = from !== undefined && backup !== undefined && contents(from) === contents(backup);
    return isTwice ? [{ do: 'remove', path: backup, why: `it is ${from} again` }] : [];
  }
  if (backup !== undefined && existsSync(backup) && sha256(now) === digest) {
    return [
      { do: 'rename', path: backup, to: from, why: 'it was there before' },
      { do: 'remove', path: places.config, why: `unchanged since it was made from ${from}` },
    ];
  }
  // Not renamed: it may be on another file system.
  return [
    {
      do: 'file',
      path: from,
      text: now,
      mode: statSync(places.config).mode & 0o755,
      like: backup ?? dirname(from),
    },
    { do: 'remove', path: places.config, why: `it is ${from} again, with your changes` },
    ...(backup === undefined ? [] : [{ do: 'remove', path: backup, why: `${from} has all of it` } as const]),
  ];
}

function isThere(path: string | undefined): boolean {
  return path !== undefined && existsSync(path);
}

function isEmpty(directory: string): boolean {
  return existsSync(directory) && readdirSync(directory).length === 0;
}

/** @throws TenementError `install_failed` for what is not a data directory: the path comes out of a file */
function refuseForeign(dataDir: string): string {
  const deep = dataDir.split('/').filter(Boolean).length >= 2;
  const known = existsSync(join(dataDir, '.tenement')) || !existsSync(dataDir) || isEmpty(dataDir);
  if (deep && known) return dataDir;
  throw new TenementError('install_failed', `${dataDir} does not look like a data directory of tenement`, {
    hint: 'Uninstall without --purge, and delete by hand what is to go.',
  });
}
