import type { Command } from 'commander';
import { parseDomain } from '../../base/domain.js';
import { TenementError } from '../../base/errors.js';
import { catchSignals, releaseSignals } from '../../signals.js';
import { outliveOutput } from '../broken-pipe.js';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';
import { wholeNumber } from '../target.js';

interface Options {
  port?: string;
  domain: string;
  host?: string;
  tls?: boolean;
  email?: string;
  staging?: boolean;
}

export function addServe(program: Command): void {
  addCommand(program, 'serve', 'run the server until SIGTERM or Ctrl-C')
    .option('-p, --port <port>', "port (default: the config's `listen`, else 8080)")
    .option('-d, --domain <domain>', 'domain whose subdomains are the instances', 'localhost')
    .option('--host <address>', 'address to listen on (default: loopback for domain localhost, else all)')
    .option('--tls', 'certificates by ACME (not in this version)')
    .option('--email <address>', 'for --tls')
    .option('--staging', "for --tls: the CA's test environment")
    .action(async (options: Options, command: Command) => {
      // First: a signal that comes while the rest is loaded must be neither lost nor the end.
      catchSignals();
      outliveOutput();
      const { globals } = contextOf(command);
      const domain = parseDomain(options.domain);
      if (options.tls === true || options.email !== undefined || options.staging === true) {
        throw new TenementError('not_yet', 'This version of tenement cannot serve TLS itself', {
          hint: 'put Caddy or nginx in front of it (docs/deployment.md), and leave --tls, --email and --staging away.',
        });
      }
      const { serve } = await import('../../daemon.js');
      await serve({
        domain,
        ...(globals.config === undefined ? {} : { configPath: globals.config }),
        ...dataDir(globals.dataDir),
        ...(options.port === undefined ? {} : { port: wholeNumber(options.port, '--port', 0, 65535) }),
        ...(options.host === undefined ? {} : { host: options.host }),
      }).finally(releaseSignals);
      // The server has ended in good order; a handle that some library left open must not keep it in the process list.
      process.exit();
    });
}

function dataDir(flag: string | undefined): { dataDir?: string } {
  const value = flag ?? process.env.TENEMENT_DATA_DIR ?? '';
  return value === '' ? {} : { dataDir: value };
}
