/** From config to what the thread that carries the traffic has to know. Pure. */
import { dirname, resolve } from 'node:path';
import type { Config } from './config/schema.js';
import { PROXY_DEFAULTS } from './config/settings.js';
import type { AccessLogConfig, PlaneConfig } from './proxy/plane/protocol.js';
import type { UpstreamAddress } from './proxy/upstreams.js';
import { routingTable } from './routing-table.js';

/** `own`: where our own server listens for what is not for an instance. */
export function planeConfig(config: Config, domain: string, own: UpstreamAddress): PlaneConfig {
  const { proxy = PROXY_DEFAULTS, trusted_proxies } = config.settings;
  const services = Object.entries(config.service).map(([name, service]) => {
    const forward = { requestTimeoutMs: service.request_timeout * 1000, maxBodyBytes: service.max_body };
    return [name, { forward, quota: service.storage_quota_mb !== undefined }] as const;
  });
  return {
    table: routingTable(config, domain),
    services: new Map(services),
    trustedProxies: trusted_proxies,
    proxyProtocol: proxy.proxy_protocol,
    limits: {
      headTimeoutMs: proxy.head_timeout * 1000,
      maxHeadBytes: proxy.max_head,
      keepAliveTimeoutMs: proxy.keep_alive_timeout * 1000,
      fastReads: proxy.fast_reads === 'auto',
    },
    accessLog: accessLog(config),
    own,
  };
}

function accessLog(config: Config): AccessLogConfig | undefined {
  const { access_log: to, access_log_format: format } = config.settings.proxy ?? PROXY_DEFAULTS;
  if (to === 'off') return undefined;
  return { to: to === 'stdout' ? to : { path: resolve(dirname(config.path), to) }, format };
}
