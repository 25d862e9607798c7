/** What `ten serve` decides before anything runs. Pure. */

import type { InheritedSocket } from '../systemd/listen-fds.js';
import { TenementError } from './base/errors.js';
import type { Config } from './config/schema.js';
import type { ListenSpec } from './proxy/plane/protocol.js';

export interface ServeOptions {
  readonly configPath?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly port?: number | undefined;
  readonly domain: string;
  readonly host?: string | undefined;
}

const DEFAULT_PORT = 8080;

/** Sockets of systemd before all, since their unit says where to listen; then --host and --port, then `settings.listen`, then: loopback for the domain localhost, else all addresses (of IPv6 where there is any). */
export function listenAddresses(
  options: ServeOptions,
  config: Config,
  machine: { readonly hasIpv6: boolean; readonly sockets: readonly InheritedSocket[] },
): ListenSpec[] {
  if (machine.sockets.length > 0) return machine.sockets.map((socket) => ({ kind: 'fd', ...socket }));
  const port = options.port ?? DEFAULT_PORT;
  if (options.host !== undefined) return [{ kind: 'tcp', host: options.host, port }];
  if (options.port === undefined && config.settings.listen !== undefined)
    return config.settings.listen.map(parseListen);
  const [v4, v6] = options.domain === 'localhost' ? ['127.0.0.1', '::1'] : ['0.0.0.0', '::'];
  return [v4, ...(machine.hasIpv6 ? [v6] : [])].map((host) => ({ kind: 'tcp', host, port }));
}

/** "127.0.0.1:8080", "[::1]:8080", "unix:/run/tenement.sock". The schema has checked the form. */
function parseListen(text: string): ListenSpec {
  if (text.startsWith('unix:')) return { kind: 'unix', path: text.slice('unix:'.length) };
  const match = /^\[?([^\]]*?)\]?:(\d+)$/.exec(text);
  if (match?.[1] === undefined)
    throw new TenementError('config_invalid', `"${text}" is not an address to listen on`);
  return { kind: 'tcp', host: match[1], port: Number(match[2]) };
}

/** `localhost:8080`: the domain as clients write it. On other sockets than our own, who is in front has the usual port. */
export function publicDomain(domain: string, addresses: readonly ListenSpec[]): string {
  const port = addresses.find((address) => address.kind === 'tcp')?.port ?? 80;
  return port === 80 ? domain : `${domain}:${port}`;
}
