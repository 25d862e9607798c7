/** What was chosen at an installation, remembered: the next run, an upgrade and a rollback take it from there. Pure. */
import { TenementError } from '../base/errors.js';
import type { NewChoices } from './asked.js';
import { checkDnsProvider } from './caddyfile.js';
import type { Installed } from './record.js';

export interface Choices {
  readonly domain: string;
  readonly caddy: boolean;
  readonly dnsProvider: string | undefined;
}

/**
 * `unit`: that of the server, when it is there; `caddyfile`: as well.
 * @throws TenementError `usage`
 */
export function choicesOf(
  now: NewChoices,
  installed: Pick<Installed, 'domain' | 'caddy' | 'dnsProvider'> | undefined,
  unit: string | undefined,
  caddyfile: string | undefined,
): Choices {
  const caddy = now.caddy ?? installed?.caddy ?? false;
  if (!caddy && typeof now.dnsProvider === 'string') {
    throw new TenementError('usage', '--dns-provider is a setting of Caddy', { hint: 'Add --caddy.' });
  }
  if (typeof now.dnsProvider === 'string') checkDnsProvider(now.dnsProvider);
  // A record of an older version has it only in what was made of it.
  const remembered = installed?.caddy ? (installed.dnsProvider ?? dnsProviderIn(caddyfile)) : undefined;
  const dnsProvider = now.dnsProvider === false ? undefined : (now.dnsProvider ?? remembered);
  return {
    domain: now.domain ?? installed?.domain ?? domainIn(unit) ?? 'localhost',
    caddy,
    dnsProvider: caddy ? dnsProvider : undefined,
  };
}

/** The domain of a unit that people wrote by hand. */
export function domainIn(unit: string | undefined): string | undefined {
  return /^ExecStart=.*\sserve\s(?:.*\s)?(?:--domain|-d)[ =]"?([A-Za-z0-9._-]+)/m.exec(unit ?? '')?.[1];
}

function dnsProviderIn(caddyfile: string | undefined): string | undefined {
  return /^\t\tdns ([a-z][a-z0-9_-]*) \{env\./m.exec(caddyfile ?? '')?.[1];
}

/**
 * What becomes of `settings.listen`; undefined keeps it as the file has it, `listen`.
 * `port`, `caddy`: of the command line; `behind`: whether Caddy stands in front afterwards.
 */
export function listenFor(
  { port, caddy, behind }: { port: number | undefined; caddy: boolean | undefined; behind: boolean },
  listen: readonly string[] | undefined,
  domain: string,
  hasIpv6: boolean,
): string[] | undefined {
  const there = Number(listen?.map((one) => /:(\d+)$/.exec(one)?.[1]).find((one) => one !== undefined));
  const kept = Number.isNaN(there) ? undefined : there;
  if (port !== undefined) return defaultListen(behind ? 'localhost' : '', port, hasIpv6);
  if (caddy === true) {
    if (listen?.every((one) => isLocal(one)) === true && listen.length > 0) return undefined;
    return defaultListen('localhost', kept ?? DEFAULT_PORT, hasIpv6);
  }
  return caddy === false ? defaultListen(domain, kept ?? DEFAULT_PORT, hasIpv6) : undefined;
}

export const DEFAULT_PORT = 8080;

/** As `ten serve` does: loopback for localhost, else all addresses. */
export function defaultListen(domain: string, port: number, hasIpv6: boolean): string[] {
  const [v4, v6] = domain === 'localhost' ? ['127.0.0.1', '[::1]'] : ['0.0.0.0', '[::]'];
  return [v4, ...(hasIpv6 ? [v6] : [])].map((host) => `${host}:${port}`);
}

/** Whether only this machine reaches it. */
function isLocal(address: string): boolean {
  return address.startsWith('unix:') || /^(?:127\.|\[::1\]:|localhost:)/.test(address);
}
