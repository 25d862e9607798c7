/** `ten caddy`. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { execa } from 'execa';
import { CADDY_MARKER } from '../../systemd/units/marker.js';
import { TenementError } from '../base/errors.js';
import { readEnvFile } from '../config/env-file.js';
import type { Config } from '../config/schema.js';
import { caddyfile, checkDnsProvider, siteOf } from '../install/caddyfile.js';
import { layout } from '../install/layout.js';
import { readRecord } from '../install/record.js';
import { isAsWritten } from '../install/seal.js';
import { contents } from '../install/step.js';
import { usageError } from './fail.js';
import type { Globals } from './globals.js';
import { loadConfigFor } from './load-config.js';
import type { Output } from './output.js';

const SYSTEM_FILE = '/etc/caddy/Caddyfile';
/** The drop-in has caddy.service read it. */
const TOKEN_FILE = '/etc/caddy/dns.env';

export interface CaddyOptions {
  /** Undefined: that of the installed server, else localhost. */
  readonly domain: string | undefined;
  readonly port: number | undefined;
  readonly upstream: string | undefined;
  /** Undefined: that of the installed server, if there is one; false: none. */
  readonly dnsProvider: string | false | undefined;
  readonly output: string | undefined;
  readonly install: boolean;
  readonly systemd: boolean;
}

/** Works without a configuration, too. @throws TenementError `usage`, `conflict`, `install_failed` */
export async function writeCaddyfile(options: CaddyOptions, globals: Globals, out: Output): Promise<void> {
  const { output } = options;
  if (typeof options.dnsProvider === 'string') checkDnsProvider(options.dnsProvider);
  if (options.systemd) return out.print(DROP_IN);
  const config = await loadConfigFor(globals).catch((error) => {
    if (error instanceof TenementError && error.code === 'config_not_found' && globals.config === undefined)
      return undefined;
    throw error;
  });
  const site = { ...namesFor(options, config), upstream: upstreamFor(options, config) };
  const text = caddyfile(
    config === undefined
      ? { ...site, tenants: undefined, services: [], instances: [], adminHost: undefined }
      : siteOf(config, site),
    CADDY_MARKER,
  );
  if (options.install) return installIt(text, out);
  if (output === undefined) return out.print(text.trimEnd());
  await writeFile(resolve(output), text);
  out.print(`Wrote ${resolve(output)}`);
}

/** What the installation remembers is for its own configuration alone. */
export function namesFor(
  { domain, dnsProvider }: Pick<CaddyOptions, 'domain' | 'dnsProvider'>,
  config: Pick<Config, 'path'> | undefined,
  places = layout(),
): { domain: string; dnsProvider: string | undefined } {
  const isInstalled = config === undefined || config.path === places.config;
  const record = isInstalled ? readRecord(places.record) : undefined;
  return {
    domain: domain ?? record?.domain ?? 'localhost',
    dnsProvider: dnsProvider === false ? undefined : (dnsProvider ?? record?.dnsProvider),
  };
}

function upstreamFor({ upstream, port }: CaddyOptions, config: Config | undefined): string {
  if (upstream !== undefined) {
    if (/^(?:unix:\/\S+|\S+:\d+)$/.test(upstream)) return upstream;
    throw usageError(`"${upstream}" is not an address`, '`127.0.0.1:8080` or `unix:/run/tenement.sock`');
  }
  if (port !== undefined) return `127.0.0.1:${port}`;
  return config?.settings.listen?.[0] ?? '127.0.0.1:8080';
}

/** @throws TenementError `conflict` when somebody else wrote the file that is there */
async function installIt(text: string, out: Output): Promise<void> {
  const there = contents(SYSTEM_FILE);
  const incoming = `${SYSTEM_FILE}.incoming`;
  if (there !== undefined && !isAsWritten(there) && !isDebians(there)) {
    throw new TenementError('conflict', `${SYSTEM_FILE} has sites of yours and stays as it is`, {
      hint: `\`ten caddy -o /etc/caddy/tenement.caddy\`, then add the line \`import tenement.caddy\` to it.`,
    });
  }
  try {
    await mkdir(dirname(SYSTEM_FILE), { recursive: true });
    if (there !== undefined && !isAsWritten(there))
      await writeFile(`${SYSTEM_FILE}.before-tenement`, there, { flag: 'wx' });
    // Checked before it takes the place of one that works, which Caddy would not come back with.
    await writeFile(incoming, text);
    // Modules of DNS providers refuse an empty token, and only caddy.service has it in its environment.
    const env = existsSync(TOKEN_FILE) ? readEnvFile(TOKEN_FILE) : {};
    await execa('caddy', ['validate', '--adapter', 'caddyfile', '--config', incoming], {
      timeout: 60_000,
      env,
    });
    await rename(incoming, SYSTEM_FILE);
    await execa('systemctl', ['reload-or-restart', 'caddy.service'], { timeout: 60_000 });
  } catch (cause) {
    await rm(incoming, { force: true });
    throw new TenementError('install_failed', `${SYSTEM_FILE} could not be put into use`, {
      hint: 'Needs root, Caddy, and with --dns-provider a Caddy that has its module.',
      cause,
    });
  }
  out.print(`Wrote ${SYSTEM_FILE} and reloaded Caddy`);
}

/** The welcome page of the package. */
function isDebians(text: string): boolean {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter(Boolean);
  return lines.join(' ') === ':80 { root * /usr/share/caddy file_server }';
}

const DROP_IN = [
  '# /etc/systemd/system/caddy.service.d/dns-token.conf',
  '# The token of the DNS provider, in a file that only root can read: `DNS_API_TOKEN=...` in /etc/caddy/dns.env, mode 0600.',
  '[Service]',
  `EnvironmentFile=${TOKEN_FILE}`,
  '# The command of the package has --environ, which would print the token into the journal.',
  'ExecStart=',
  'ExecStart=/usr/bin/caddy run --config /etc/caddy/Caddyfile',
].join('\n');
