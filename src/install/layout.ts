/** Where an installation has its parts. */
import { join } from 'node:path';

export const UNITS = ['tenement.service', 'tenement.socket', 'tenement.slice'] as const;

export interface Layout {
  /** A directory for each version, and the link `current` to one of them. */
  readonly programs: string;
  readonly current: string;
  readonly record: string;
  readonly command: string;
  readonly configDir: string;
  readonly config: string;
  readonly caddyfile: string;
  /** What the Caddyfile would be, where people have changed it. */
  readonly proposal: string;
  /** Caddy's own, which may import ours. */
  readonly caddyMain: string;
  readonly units: string;
  /** Where `systemctl set-property` writes. */
  readonly control: string;
  /** Unless the configuration has another one. */
  readonly dataDir: string;
  /** Made by systemd for tenement.service. */
  readonly runtime: string;
  /** Where users of instances are made known while they run. */
  readonly users: string;
  /** Held by whoever changes any of it. */
  readonly lock: string;
}

/** Tests have a root of their own. */
export function layout(root = '/'): Layout {
  const programs = join(root, 'opt/tenement');
  const configDir = join(root, 'etc/tenement');
  return {
    programs,
    current: join(programs, 'current'),
    record: join(programs, 'install.json'),
    command: join(root, 'usr/local/bin/ten'),
    configDir,
    config: join(configDir, 'tenement.toml'),
    caddyfile: join(configDir, 'Caddyfile'),
    proposal: join(configDir, 'Caddyfile.new'),
    caddyMain: join(root, 'etc/caddy/Caddyfile'),
    units: join(root, 'etc/systemd/system'),
    control: join(root, 'etc/systemd/system.control'),
    dataDir: join(root, 'var/lib/tenement'),
    runtime: join(root, 'run/tenement'),
    users: join(root, 'run/userdb'),
    lock: join(root, 'run/tenement-install.lock'),
  };
}

export function unitPaths({ units }: Layout): Record<(typeof UNITS)[number], string> {
  return {
    'tenement.service': join(units, 'tenement.service'),
    'tenement.socket': join(units, 'tenement.socket'),
    'tenement.slice': join(units, 'tenement.slice'),
  };
}
