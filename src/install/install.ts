/** What `ten install` and `ten upgrade` do, as a list of acts. Reads the machine and changes nothing. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { COSTS } from '../../systemd/units/hardening.js';
import { isOurs } from '../../systemd/units/marker.js';
import { serviceUnit } from '../../systemd/units/service.js';
import { sliceUnit } from '../../systemd/units/slice.js';
import { socketUnit } from '../../systemd/units/socket.js';
import { resolveAuto } from '../config/resolve-auto.js';
import { type Asked, askedOf, type NewChoices, withAsked } from './asked.js';
import { begunRecord, inOrder } from './begun.js';
import { caddyStep, withoutCaddyfile } from './caddy-step.js';
import { caddyfile, siteOf } from './caddyfile.js';
import { choicesOf, DEFAULT_PORT, defaultListen, listenFor } from './choices.js';
import { configFile, configFor } from './config-step.js';
import { type Layout, UNITS, unitPaths } from './layout.js';
import type { Machine } from './machine.js';
import { streamOf } from './needs.js';
import { asksOf, commandsFor, leftFor } from './owed.js';
import { programName, pruned, standing, withProgram } from './programs.js';
import type { Installed } from './record.js';
import { contents, isPending, linkTarget, type Plan, type Step } from './step.js';
import { unitNeedsOf } from './unit-needs.js';

const LOOPBACK = ['127.0.0.1', '::1'];

export interface InstallOptions extends NewChoices {
  /** From --config. */
  readonly config: string | undefined;
  readonly dataDir: string | undefined;
  readonly port: number | undefined;
  /** Start it, or with what has changed again. */
  readonly start: boolean;
}

/** Everything as it was chosen before, or by default. */
export const AS_BEFORE: InstallOptions = {
  config: undefined,
  dataDir: undefined,
  domain: undefined,
  port: undefined,
  caddy: undefined,
  dnsProvider: undefined,
  start: true,
};

export interface InstallPlan extends Plan {
  /** What is installed afterwards. */
  readonly record: Installed;
  /** Where it listens. */
  readonly listen: readonly string[];
}

/** @throws TenementError when the configuration is not valid, or another one is there */
export function planInstall(options: InstallOptions, machine: Machine): InstallPlan {
  const { places, installed, program, env, cwd } = machine;
  const asking = withAsked(options, stillAsked(installed, machine));
  const stand = installed && standing(installed, places);
  const oldUnit = contents(join(places.units, 'tenement.service'));
  const oldCaddyfile = contents(places.caddyfile);
  const { domain, caddy, dnsProvider } = choicesOf(asking, installed, oldUnit, oldCaddyfile);
  const moved = configFor({
    explicit: asking.config,
    env,
    cwd,
    to: places.config,
    origin: installed?.config,
    dataDir: places.dataDir,
    dataDirFlag: asking.dataDir,
    trustedProxies: caddy ? LOOPBACK : [],
    distrusted: asking.caddy === false ? LOOPBACK : [],
    listen: (now) =>
      listenFor({ port: asking.port, caddy: asking.caddy, behind: caddy }, now, domain, machine.hasIpv6),
  });
  const { config } = resolveAuto(moved.config, { strongest: machine.strongest, root: true });
  const listen = config.settings.listen ?? defaultListen(domain, DEFAULT_PORT, machine.hasIpv6);
  const needs = unitNeedsOf(config, [machine.node]);
  const name = programName(program, installed, places);
  const unitAt = unitPaths(places);
  const aside: Record<string, string> = { ...installed?.aside };
  const units = {
    'tenement.service': serviceUnit({
      node: machine.node,
      perl: machine.perl,
      program: places.current,
      config: places.config,
      domain,
      ...needs,
    }),
    'tenement.socket': socketUnit(listen.map(streamOf)),
    'tenement.slice': sliceUnit(),
  };
  const steps: Step[] = [
    { do: 'program', path: join(places.programs, name) },
    { do: 'link', path: places.current, to: name },
  ];
  const command = join(places.current, 'bin/ten');
  const notes = [...moved.notes];
  if (linkTarget(places.command) !== undefined || !existsSync(places.command)) {
    steps.push({ do: 'link', path: places.command, to: command });
  } else
    notes.push(`${places.command} is not ours and stays: call ${command}, or remove it and install again.`);
  steps.push({ do: 'directory', path: places.configDir, mode: 0o755 });
  steps.push({ do: 'file', path: configFile(places), text: moved.text, mode: moved.mode });
  let { digest: _digest, ...origin }: Installed['config'] = installed?.config ?? {};
  if (moved.from !== places.config) {
    const backup = freeName(`${moved.from}.before-install`);
    steps.push({ do: 'rename', path: moved.from, to: backup, why: `it is ${places.config} now` });
    origin = { from: moved.from, backup };
  } else steps.push(...restOfMove(installed));
  const front = caddy
    ? caddyStep(
        places,
        caddyfile(siteOf(config, { domain, upstream: listen[0] ?? '', dnsProvider })),
        machine.caddyRefuses,
      )
    : withoutCaddyfile(places);
  steps.push(...front.steps);
  if (caddy || installed?.caddy === true) notes.push(...front.notes);
  steps.push({ do: 'directory', path: config.settings.data_dir, mode: 0o711 });
  for (const unit of UNITS) {
    const path = unitAt[unit];
    const there = contents(path);
    if (there !== undefined && !isOurs(there)) {
      const to = freeName(`${path}.before-install`);
      aside[path] = to;
      steps.push({ do: 'rename', path, to, why: 'it was not written by `ten install`' });
    }
    steps.push({ do: 'file', path, text: units[unit], mode: 0o644 });
  }
  const pending = steps.filter(isPending);
  const asks = asksOf(pending, installed?.owed ?? [], places);
  const left = leftFor(asks, options.start);
  // What a newer version knows besides stays in it.
  const {
    previous: _previous,
    dnsProvider: _provider,
    owed: _owed,
    coming: _coming,
    asked: _asked,
    ...known
  } = installed ?? {};
  const whole: Installed = {
    ...known,
    format: 1,
    domain,
    ...withProgram(stand, name, program),
    config: { ...origin, ...(isAsMade(installed, places) && { digest: sha256(moved.text) }) },
    dataDir: config.settings.data_dir,
    caddy,
    ...(dnsProvider !== undefined && { dnsProvider }),
    needs,
    aside,
  };
  const isFirst = installed === undefined || installed.asked !== undefined;
  const begun = begunRecord(whole, {
    places,
    installed,
    coming: { name, digest: program.digest },
    before: isFirst
      ? {
          asked: askedOf({
            ...asking,
            config: moved.from === places.config ? undefined : moved.from,
            dataDir: asking.dataDir && resolve(cwd, asking.dataDir),
          }),
        }
      : choicesOf(AS_BEFORE, installed, oldUnit, oldCaddyfile),
  });
  notes.push(COSTS[needs.work]);
  if (domain === 'localhost') notes.push('The domain is localhost: give the public one with --domain.');
  if (/^\/(home|root)\//.test(machine.node))
    notes.push(
      `Node is ${machine.node}: whoever owns it runs code as root. Install it for the whole machine (apt install nodejs).`,
    );
  const programs = pruned(whole);
  const record: Installed = { ...whole, programs, ...(left.length > 0 && { owed: left }) };
  const acts = [...pending, ...commandsFor(asks, options.start, listen.map(streamOf))];
  // While the program is copied, nothing is restarted for a run that ends there.
  const copying = asksOf([], ['units', ...(installed?.owed ?? [])], places);
  return {
    steps: inOrder(places, { copying: begun(copying), begun: begun(asks), acts, record }),
    notes,
    record,
    listen,
  };
}

/** What an earlier run that was cut off was asked for and this one can go on with. */
function stillAsked(installed: Installed | undefined, { places, env }: Machine): Asked | undefined {
  if (installed?.asked === undefined) return undefined;
  const { config, ...others } = installed.asked;
  const isNamed = env.TENEMENT_CONFIG !== undefined && env.TENEMENT_CONFIG !== '';
  return { ...others, ...(config !== undefined && !isNamed && !existsSync(places.config) && { config }) };
}

/** A run was killed when the configuration had been written, and the one that it was made from not yet moved away. */
function restOfMove(installed: Installed | undefined): Step[] {
  const { from, backup } = installed?.config ?? {};
  const isCut = installed?.owed !== undefined && from !== undefined && backup !== undefined;
  if (!isCut || existsSync(backup)) return [];
  return [{ do: 'rename', path: from, to: backup, why: 'it was installed' }];
}

/** Whether nobody has written in the configuration since the installation made it: only then the file that it was made from may come back. */
function isAsMade(installed: Installed | undefined, { config }: Layout): boolean {
  const there = contents(config);
  return installed === undefined || there === undefined || installed.config.digest === sha256(there);
}

function freeName(wanted: string): string {
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? wanted : `${wanted}.${n}`;
    if (!existsSync(name)) return name;
  }
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
