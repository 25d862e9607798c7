/** What `ten install` and `ten upgrade` do, as a list of acts. Reads the machine and changes nothing. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { COSTS } from '../../systemd/units/hardening.js';
import { isOurs } from '../../systemd/units/marker.js';
import { serviceUnit } from '../../systemd/units/service.js';
import { sliceUnit } from '../../systemd/units/slice.js';
import { socketUnit } from '../../systemd/units/socket.js';
import { resolveAuto } from '../config/resolve-auto.js';
import { caddyStep, importsOurs, withoutCaddyfile } from './caddy-step.js';
import { caddyfile, siteOf } from './caddyfile.js';
import { choicesOf, DEFAULT_PORT, defaultListen, listenFor, type NewChoices } from './choices.js';
import { configFor } from './config-step.js';
import type { Layout } from './layout.js';
import type { Machine } from './machine.js';
import { streamOf } from './needs.js';
import type { Program } from './program.js';
import { type Installed, recordText } from './record.js';
import { contents, isPending, linkTarget, type Plan, type Step } from './step.js';
import { unitNeedsOf } from './unit-needs.js';

const UNITS = ['tenement.service', 'tenement.socket', 'tenement.slice'] as const;
const LOOPBACK = ['127.0.0.1', '::1'];

export interface InstallOptions extends NewChoices {
  /** From --config. */
  readonly config: string | undefined;
  readonly dataDir: string | undefined;
  readonly port: number | undefined;
  /** Start it, or with what has changed again. */
  readonly start: boolean;
}

export interface InstallPlan extends Plan {
  /** What is installed afterwards. */
  readonly record: Installed;
}

/** @throws TenementError when the configuration is not valid, or another one is there */
export function planInstall(options: InstallOptions, machine: Machine): InstallPlan {
  const { places, installed, program, env, cwd } = machine;
  const oldUnit = contents(join(places.units, 'tenement.service'));
  const choices = choicesOf(options, installed, oldUnit, contents(places.caddyfile));
  const { domain, caddy, dnsProvider } = choices;
  const moved = configFor({
    explicit: options.config,
    env,
    cwd,
    to: places.config,
    dataDir: places.dataDir,
    dataDirFlag: options.dataDir,
    trustedProxies: caddy ? LOOPBACK : [],
    distrusted: installed?.caddy === true && !caddy ? LOOPBACK : [],
    listen: (now) =>
      listenFor({ port: options.port, caddy: options.caddy, behind: caddy }, now, domain, machine.hasIpv6),
  });
  const { config } = resolveAuto(moved.config, { strongest: machine.strongest, root: true });
  const listen = config.settings.listen ?? defaultListen(domain, DEFAULT_PORT, machine.hasIpv6);
  const needs = unitNeedsOf(config, [machine.node]);
  const name = programName(program, installed, places);
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
    { do: 'directory', path: places.programs, mode: 0o755 },
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
  steps.push({ do: 'file', path: places.config, text: moved.text, mode: moved.mode });
  let { digest: _, ...origin }: Installed['config'] = installed?.config ?? {};
  if (moved.from !== places.config) {
    const backup = freeName(`${moved.from}.before-install`);
    steps.push({ do: 'rename', path: moved.from, to: backup, why: `it is ${places.config} now` });
    origin = { from: moved.from, backup };
  }
  const front = caddy
    ? caddyStep(
        places,
        caddyfile(siteOf(config, { domain, upstream: listen[0] ?? '', dnsProvider })),
        machine.caddyRefuses,
      )
    : installed?.caddy === true
      ? withoutCaddyfile(places)
      : { steps: [], notes: [] };
  steps.push(...front.steps);
  notes.push(...front.notes);
  steps.push({ do: 'directory', path: config.settings.data_dir, mode: 0o711 });
  for (const unit of UNITS) {
    const path = join(places.units, unit);
    const there = contents(path);
    if (there !== undefined && !isOurs(there)) {
      const to = freeName(`${path}.before-install`);
      aside[path] = to;
      steps.push({ do: 'rename', path, to, why: 'it was not written by `ten install`' });
    }
    steps.push({ do: 'file', path, text: units[unit], mode: 0o644 });
  }
  // What a newer version knows besides stays in it.
  const { previous: _previous, dnsProvider: _provider, ...known } = installed ?? {};
  const record: Installed = {
    ...known,
    format: 1,
    domain,
    programs: [
      ...(installed?.programs ?? []).filter((one) => one.name !== name),
      { name, digest: program.digest },
    ],
    current: name,
    ...previous(installed, name),
    config: { ...origin, ...(isAsMade(installed, places) && { digest: sha256(moved.text) }) },
    dataDir: config.settings.data_dir,
    caddy,
    ...(dnsProvider !== undefined && { dnsProvider }),
    needs,
    aside,
  };
  steps.push({ do: 'file', path: places.record, text: recordText(record), mode: 0o644 });
  const pending = steps.filter(isPending);
  notes.push(COSTS[needs.work]);
  if (domain === 'localhost') notes.push('The domain is localhost: give the public one with --domain.');
  if (/^\/(home|root)\//.test(machine.node))
    notes.push(
      `Node is ${machine.node}: whoever owns it runs code as root. Install it for the whole machine (apt install nodejs).`,
    );
  return { steps: [...pending, ...commands(pending, places, options.start)], notes, record };
}

/** What has to be asked of systemd after these acts. */
function commands(pending: readonly Step[], places: Layout, start: boolean): Step[] {
  const changed = (path: string) => pending.some((step) => 'path' in step && step.path === path);
  const unit = (name: string) => changed(join(places.units, name));
  const run = (...command: [string, ...string[]]): Step => ({ do: 'run', command });
  const steps: Step[] = [];
  if (UNITS.some(unit)) {
    steps.push(run('systemctl', 'daemon-reload'));
    steps.push(run('systemctl', 'enable', '--quiet', 'tenement.socket', 'tenement.service'));
  }
  if (!start) return steps;
  if (unit('tenement.socket')) {
    // A socket cannot change under the service that holds it.
    steps.push({ do: 'run', command: ['systemctl', 'stop', 'tenement.service'], mayFail: true });
    steps.push(run('systemctl', 'restart', 'tenement.socket'));
  }
  if (
    unit('tenement.service') ||
    unit('tenement.socket') ||
    changed(places.current) ||
    changed(places.config)
  ) {
    steps.push(run('systemctl', 'restart', 'tenement.service'));
  }
  if (changed(places.caddyfile) && importsOurs(places)) {
    const command = ['systemctl', 'try-reload-or-restart', 'caddy.service'] as const;
    steps.push({ do: 'run', command, mayFail: true });
  }
  return steps;
}

/** Whether nobody has written in the configuration since the installation made it: only then the file that it was made from may come back. */
function isAsMade(installed: Installed | undefined, { config }: Layout): boolean {
  const there = contents(config);
  return installed === undefined || there === undefined || installed.config.digest === sha256(there);
}

/** The version, and when another program of that version is there, as in development, a part of the digest with it. */
function programName({ version, digest }: Program, installed: Installed | undefined, places: Layout): string {
  const known = installed?.programs.find((one) => one.digest === digest);
  if (known !== undefined && existsSync(join(places.programs, known.name))) return known.name;
  const taken = existsSync(join(places.programs, version));
  return taken ? `${version}-${digest.slice(0, 8)}` : version;
}

function previous(installed: Installed | undefined, name: string): { previous?: string } {
  const before = installed?.current === name ? installed.previous : installed?.current;
  return before === undefined ? {} : { previous: before };
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
