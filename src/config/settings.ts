/** `[settings]`: what concerns the whole server. */
import { z } from 'zod';
import {
  A_TABLE,
  bytes,
  choice,
  flag,
  hostname,
  integer,
  listenAddress,
  longSeconds,
  milliseconds,
  network,
  nonEmpty,
  path,
  seconds,
  someSeconds,
} from './values.js';

export const DEFAULT_BACKOFF_MAX_MS = 60_000;

const port = integer(1, 65535);

const tlsSchema = z
  .strictObject(
    {
      enabled: flag.default(false).meta({ description: 'Serve HTTPS with certificates of our own.' }),
      acme_email: nonEmpty
        .optional()
        .meta({ description: 'Address for the certificate authority’s notices.' }),
      domain: hostname
        .optional()
        .meta({ description: 'Domain of the certificate; its instances are below it.' }),
      cache_dir: path
        .optional()
        .meta({ description: 'Where certificates are kept. Default: inside `data_dir`/.tenement.' }),
      staging: flag.default(false).meta({ description: 'Use the authority’s test service.' }),
      https_port: port.default(443).meta({ description: 'Port for HTTPS.' }),
      http_port: port.default(80).meta({ description: 'Port for HTTP: challenges and redirects.' }),
      dns_provider: nonEmpty
        .optional()
        .meta({ description: 'Who serves the domain’s DNS; needed for a wildcard certificate.' }),
    },
    { error: A_TABLE },
  )
  .meta({ description: 'HTTPS.' });

const proxySchema = z
  .strictObject(
    {
      fast_reads: choice('auto', 'off')
        .default('auto')
        .meta({ description: 'Read and write sockets by a faster path where Node has it.' }),
      head_timeout: seconds
        .default(10)
        .meta({ description: 'Time that a client has to send a request’s head.' }),
      max_head: bytes.default(65536).meta({ description: 'Largest request head.' }),
      keep_alive_timeout: seconds
        .default(75)
        .meta({ description: 'How long an idle connection of a client is kept open.' }),
      proxy_protocol: flag.default(false).meta({
        description:
          'Connections from `trusted_proxies` and on Unix sockets begin with a PROXY protocol header (v1 or v2), and are closed without one.',
      }),
      access_log: nonEmpty.default('off').meta({
        description:
          '`"off"`, `"stdout"` or the path of a file that gets one line per request; after a rotation, `SIGHUP` or `ten reload` opens it anew. Paths are logged with their query; headers are not, but for Referer and User-Agent.',
      }),
      access_log_format: choice('json', 'combined')
        .default('json')
        .meta({ description: 'Form of its lines.' }),
    },
    { error: A_TABLE },
  )
  .meta({ description: 'Tuning of the proxy.' });

/** What holds without a table `[settings.proxy]`. */
export const PROXY_DEFAULTS = proxySchema.parse({});
/** What holds without a table `[settings.tls]`. */
export const TLS_DEFAULTS = tlsSchema.parse({});

/** A range of whole numbers, both ends included. */
function range(min: number, max: number, what: string) {
  const error = `expected two ${what} from ${min} to ${max}, the lower one first`;
  const end = z.int({ error }).min(min, { error }).max(max, { error });
  return z.tuple([end, end], { error }).refine(([low, high]) => low <= high, { error });
}

export const settingsSchema = z.strictObject(
  {
    data_dir: path.default('./tenement-data').meta({
      description: 'Where all data lives: that of the instances, and tenement’s own in `.tenement/`.',
    }),
    listen: z
      .array(listenAddress, { error: 'expected a list of addresses, such as ["127.0.0.1:8080"]' })
      .min(1, { error: 'expected at least one address' })
      .optional()
      .meta({
        description:
          'Addresses to listen on, `"ip:port"`, or `"unix:/path"` (mode 0660, for a reverse proxy in front: its `X-Forwarded-*` headers are believed). Sockets handed over by systemd come before all. Default: port 8080 (`--port`); on loopback for the domain `localhost`, else on all addresses. `--host` overrides it.',
      }),
    health_check_interval: someSeconds
      .default(10)
      .meta({ description: 'Time between two health checks of an instance.' }),
    max_restarts: integer(0)
      .default(3)
      .meta({ description: 'Restarts within `restart_window` before an instance counts as failed.' }),
    restart_window: longSeconds
      .default(300)
      .meta({ description: 'The time over which restarts are counted.' }),
    backoff_base_ms: milliseconds
      .default(1000)
      .meta({ description: 'Wait before the second restart in a row; doubles with each further one.' }),
    backoff_max_ms: milliseconds
      .default(DEFAULT_BACKOFF_MAX_MS)
      .meta({ description: 'The longest wait before a restart.' }),
    port_range: range(1, 65535, 'port numbers').default([30000, 32767]).meta({
      description:
        'Ports for instances, both ends included: below the kernel’s ephemeral range. Each is bind-tested before it is given.',
    }),
    uid_range: range(1, 4294967293, 'user ids').default([1900000000, 1900065535]).meta({
      description:
        'User ids for `user = "auto"`, both ends included: outside the ranges of systemd’s DynamicUser and of containers. Several servers that run as root on one machine need a range each.',
    }),
    trusted_proxies: z
      .array(network, { error: 'expected a list of IP addresses or ranges' })
      .default([])
      .meta({ description: 'IP addresses and ranges whose `X-Forwarded-*` headers are believed.' }),
    admin_host: hostname
      .optional()
      .meta({ description: 'If set, dashboard and API answer under this host name only.' }),
    tls: tlsSchema.optional(),
    proxy: proxySchema.optional(),
  },
  { error: A_TABLE },
);
