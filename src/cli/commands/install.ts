import type { Command } from 'commander';
import { parseDomain } from '../../base/domain.js';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';
import { wholeNumber } from '../target.js';

interface Options {
  domain?: string;
  port?: string;
  caddy?: boolean;
  dnsProvider?: string | false;
  start: boolean;
  dryRun?: boolean;
}

export function addInstall(program: Command): void {
  addCommand(
    program,
    'install',
    'make this program a service of systemd, with its configuration in /etc/tenement',
  )
    .option(
      '-d, --domain <domain>',
      'domain whose subdomains are the instances (default: the one it has, else localhost)',
    )
    .option(
      '-p, --port <port>',
      "port to listen on, on all addresses (default: the config's `listen`, else 8080)",
    )
    .option(
      '--caddy',
      'Caddy stands in front: listen on loopback, trust its headers, write /etc/tenement/Caddyfile',
    )
    .option(
      '--dns-provider <name>',
      "for --caddy: wildcard certificates by this module of Caddy's, such as cloudflare",
    )
    .option('--no-caddy', 'Caddy stands in front no more')
    .option('--no-dns-provider', 'for --caddy: a certificate for each name that is listed')
    .option('--no-start', 'do not start it')
    .option('--dry-run', 'print everything that would be written and run, and do nothing')
    .action(async (options: Options, command: Command) => {
      const { globals, out } = contextOf(command);
      const { install } = await import('../run-install.js');
      await install(
        {
          config: globals.config,
          dataDir: globals.dataDir,
          domain: options.domain === undefined ? undefined : parseDomain(options.domain),
          port: options.port === undefined ? undefined : wholeNumber(options.port, '--port', 1, 65535),
          caddy: options.caddy,
          dnsProvider: options.dnsProvider,
          start: options.start,
        },
        { command: 'ten install', dryRun: options.dryRun === true, out },
      );
    });
}
