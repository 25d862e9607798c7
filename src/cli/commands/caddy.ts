import type { Command } from 'commander';
import { parseDomain } from '../../base/domain.js';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';
import { wholeNumber } from '../target.js';

interface Options {
  domain?: string;
  port?: string;
  upstream?: string;
  dnsProvider?: string | false;
  output?: string;
  install?: boolean;
  systemd?: boolean;
}

export function addCaddy(program: Command): void {
  addCommand(program, 'caddy', 'print a Caddyfile that puts HTTPS in front')
    .option(
      '-d, --domain <domain>',
      'domain whose subdomains are the instances (default: the installed one, else localhost)',
    )
    .option('-p, --port <port>', "port of the server (default: the config's first `listen`, else 8080)")
    .option('--upstream <address>', '`ip:port` or `unix:/path` instead')
    .option(
      '--dns-provider <name>',
      "wildcard certificates by this module of Caddy's, such as cloudflare (default: the installed one)",
    )
    .option('--no-dns-provider', 'a certificate for each name that is listed')
    .option('-o, --output <file>', 'write it to a file')
    .option('--install', 'write it to /etc/caddy/Caddyfile and reload Caddy')
    .option(
      '--systemd',
      'print instead the drop-in for caddy.service that gives it the token of the DNS provider',
    )
    .action(async (options: Options, command: Command) => {
      const { globals, out } = contextOf(command);
      const { writeCaddyfile } = await import('../run-caddy.js');
      await writeCaddyfile(
        {
          domain: options.domain === undefined ? undefined : parseDomain(options.domain),
          port: options.port === undefined ? undefined : wholeNumber(options.port, '--port', 1, 65535),
          upstream: options.upstream,
          dnsProvider: options.dnsProvider,
          output: options.output,
          install: options.install === true,
          systemd: options.systemd === true,
        },
        globals,
        out,
      );
    });
}
