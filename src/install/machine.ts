/** What an installation has to know of this machine, and its refusals. */
import { existsSync, realpathSync } from 'node:fs';
import type { BackendId } from '../../isolation/contract.js';
import { createBackends, probeHost, strongest } from '../../isolation/index.js';
import { TenementError } from '../base/errors.js';
import type { ServiceConfig } from '../config/schema.js';
import { refusalOfCaddy } from './caddy-step.js';
import { type Layout, layout } from './layout.js';
import { ownProgram, type Program } from './program.js';
import { type Installed, readRecord } from './record.js';

export interface Machine {
  readonly places: Layout;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Absolute path. */
  readonly node: string;
  /** Absolute path; undefined when there is none. */
  readonly perl: string | undefined;
  readonly hasIpv6: boolean;
  /** The one that runs. */
  readonly program: Program;
  /** Undefined when nothing is installed. */
  readonly installed: Installed | undefined;
  /** What `isolation = "auto"` means here. */
  readonly strongest: (service: ServiceConfig) => BackendId;
  /** Why the Caddy of this machine would not take a Caddyfile; undefined also when there is no Caddy. */
  readonly caddyRefuses: (caddyfile: string) => string | undefined;
}

/** @throws TenementError `install_failed` when its record cannot be read */
export async function thisMachine(places = layout()): Promise<Machine> {
  const host = await probeHost();
  const backends = createBackends(host);
  return {
    places,
    env: process.env,
    cwd: process.cwd(),
    // Not a link that the next update of Node might turn elsewhere; but Debian's own stays.
    node:
      existsSync('/usr/bin/node') && realpathSync('/usr/bin/node') === realpathSync(process.execPath)
        ? '/usr/bin/node'
        : process.execPath,
    perl: ['/usr/bin/perl', '/bin/perl'].find((path) => existsSync(path)),
    hasIpv6: existsSync('/proc/net/if_inet6'),
    program: ownProgram(),
    installed: readRecord(places.record),
    strongest: (service) => strongest(backends, host, service),
    caddyRefuses: refusalOfCaddy,
  };
}

/**
 * Before anything is changed. `command`: as people type it.
 * @throws TenementError `install_failed`
 */
export function refuseUnlessPossible(command: string): void {
  if (!existsSync('/run/systemd/system')) {
    throw new TenementError(
      'install_failed',
      `\`${command}\` needs systemd, which does not run this machine`,
      {
        hint: 'Start `ten serve` by what runs it instead (docs/deployment.md).',
      },
    );
  }
  if (process.geteuid?.() !== 0) {
    throw new TenementError(
      'install_failed',
      `\`${command}\` needs root: it writes to /etc/systemd, /etc/tenement and /opt`,
      {
        hint: `\`sudo ${command}\`; \`--dry-run\` shows without root what it would do.`,
      },
    );
  }
}
