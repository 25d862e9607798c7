/**
 * Configurations of the proxies that tenement is compared with: their defaults but for Host routing, X-Forwarded-For, keep-alive
 * to the upstream, no limit on bodies, enough connections, and one worker.
 */
import { join } from 'node:path';
import { FILES_HOST, SINK_HOST, type UpstreamPorts } from './sites.js';

export interface PeerConfig {
  readonly port: number;
  readonly upstreams: UpstreamPorts;
  /** The peer's own directory. */
  readonly dir: string;
  readonly log: boolean;
  readonly connections: number;
}

export interface Peer {
  readonly name: string;
  /** Name of its configuration file. */
  readonly file: string;
  /** Of its access log, in its own directory. */
  readonly logFile: string;
  readonly config: (config: PeerConfig) => string;
  /** The command line that stays in the foreground. */
  readonly argv: (path: string, dir: string) => string[];
  readonly version: readonly string[];
}

/** File in a peer's directory that gets its stdout and stderr. */
export const OUTPUT = 'output.txt';

/** The master would otherwise run its worker as a user who can't enter the temporary directory. */
export const nginxUser = process.getuid?.() === 0 ? 'user root;' : '';

/** Where an nginx that is not the system's own keeps what it writes. */
export const nginxPaths = (dir: string) =>
  ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(dir, `tmp-${kind}`)};`)
    .join(' ');

const nginx: Peer = {
  name: 'nginx',
  file: 'nginx.conf',
  logFile: 'access.log',
  config: ({ port, upstreams, dir, log, connections }) => `
daemon off; worker_processes 1; ${nginxUser}
pid ${join(dir, 'nginx.pid')}; error_log ${join(dir, 'error.log')} warn;
worker_rlimit_nofile ${connections + 100};
events { worker_connections ${connections}; }
http {
  ${nginxPaths(dir)}
  access_log ${log ? `${join(dir, 'access.log')} combined` : 'off'};
  client_max_body_size 0;
  keepalive_requests 1000000000;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  upstream files { server 127.0.0.1:${upstreams.files}; keepalive 64; keepalive_requests 1000000000; }
  upstream sink { server 127.0.0.1:${upstreams.sink}; keepalive 64; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${port} default_server; return 404; }
  server { listen 127.0.0.1:${port}; server_name ${FILES_HOST}; location / { proxy_pass http://files; } }
  server { listen 127.0.0.1:${port}; server_name ${SINK_HOST}; location / { proxy_pass http://sink; } }
}
`,
  argv: (path, dir) => ['nginx', '-p', dir, '-e', join(dir, 'error.log'), '-c', path],
  version: ['nginx', '-v'],
};

const haproxy: Peer = {
  name: 'haproxy',
  file: 'haproxy.cfg',
  logFile: OUTPUT,
  config: ({ port, upstreams, log, connections }) => `
global
  nbthread 1
  maxconn ${connections}
  # It wants two files for each connection; an idle one has no upstream.
  no strict-limits
  ${log ? 'log stdout format raw local0' : ''}
defaults
  mode http
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  option forwardfor
  ${log ? 'log global\n  option httplog' : ''}
frontend all
  bind 127.0.0.1:${port}
  use_backend files if { req.hdr(host),field(1,:) -i ${FILES_HOST} }
  use_backend sink if { req.hdr(host),field(1,:) -i ${SINK_HOST} }
backend files
  server one 127.0.0.1:${upstreams.files}
backend sink
  server one 127.0.0.1:${upstreams.sink}
`,
  argv: (path) => ['haproxy', '-db', '-f', path],
  version: ['haproxy', '-v'],
};

const site = (host: string, port: number, upstream: number, log: string) => `
http://${host}:${port} {
  bind 127.0.0.1
  ${log}
  reverse_proxy 127.0.0.1:${upstream} {
    transport http {
      keepalive_idle_conns_per_host 64
    }
  }
}
`;

const caddy: Peer = {
  name: 'caddy',
  file: 'Caddyfile',
  logFile: OUTPUT,
  config: ({ port, upstreams, dir, log }) => {
    // To stderr: 2.6 takes a site's own log file only for a Host with the port in it.
    const access = log ? 'log' : '';
    return `{
  admin off
  auto_https off
  storage file_system ${dir}
}
${site(FILES_HOST, port, upstreams.files, access)}${site(SINK_HOST, port, upstreams.sink, access)}`;
  },
  // It saves its configuration in the user's directory.
  argv: (path, dir) => [
    ...['env', `XDG_CONFIG_HOME=${dir}`, `XDG_DATA_HOME=${dir}`],
    ...['caddy', 'run', '--adapter', 'caddyfile', '--config', path],
  ],
  version: ['caddy', 'version'],
};

export const PEERS: readonly Peer[] = [nginx, haproxy, caddy];
