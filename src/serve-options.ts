/** What `ten serve` decides before anything runs. Pure. */
import { TenementError } from './base/errors.js';
import type { Config } from './config/schema.js';

export interface ServeOptions {
  readonly configPath?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly port?: number | undefined;
  readonly domain: string;
  readonly host?: string | undefined;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 8080;

/** --host and --port first, then `settings.listen`, then: loopback for the domain localhost, else all addresses (of IPv6 where there is any). */
export function listenAddresses(options: ServeOptions, config: Config, hasIpv6: boolean): ListenAddress[] {
  const port = options.port ?? DEFAULT_PORT;
  if (options.host !== undefined) return [{ host: options.host, port }];
  if (options.port === undefined && config.settings.listen !== undefined)
    return config.settings.listen.map(parseListen);
  const [v4, v6] = options.domain === 'localhost' ? ['127.0.0.1', '::1'] : ['0.0.0.0', '::'];
  return [v4, ...(hasIpv6 ? [v6] : [])].map((host) => ({ host, port }));
}

/** "127.0.0.1:8080", "[::1]:8080". The schema has checked the form. */
function parseListen(text: string): ListenAddress {
  const match = /^\[?([^\]]*?)\]?:(\d+)$/.exec(text);
  if (match?.[1] === undefined)
    throw new TenementError('config_invalid', `"${text}" is not an address to listen on`);
  return { host: match[1], port: Number(match[2]) };
}

/** `localhost:8080`: the domain as clients write it. */
export function publicDomain(domain: string, port: number): string {
  return port === 80 ? domain : `${domain}:${port}`;
}
