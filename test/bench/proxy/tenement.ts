/** The real `ten serve` in the benchmark. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { controlSocketPath } from '../../../src/base/socket-path.js';
import { freePort } from '../../helpers/free-port.js';
import { type Processes, untilUp } from '../lib/processes.js';
import type { Contestant } from './contestant.js';
import type { UpstreamScripts } from './upstream.js';

/** What the instance `flood` writes. */
export const LOG_LINES_PER_SECOND = 50_000;

export interface Tenement extends Contestant {
  /** The control socket: the API without a token. */
  readonly socket: string;
}

export interface TenementOptions {
  readonly name: string;
  /** The build that has src/cli/main.js. */
  readonly build: string;
  /** An empty directory for it. */
  readonly dir: string;
  readonly upstream: UpstreamScripts;
  /** Command line of this benchmark's own programs; their name follows. */
  readonly programs: readonly string[];
  /** Goes before the command of the sink, to keep it off the proxy's processor. */
  readonly prefix: string;
  readonly log: boolean;
  readonly cores: string | undefined;
}

/** Starts it with its upstreams as instances `files:one` and `sink:one`, and waits until both run. */
export async function startTenement(processes: Processes, options: TenementOptions): Promise<Tenement> {
  const { name, build, dir, cores } = options;
  mkdirSync(dir);
  const config = join(dir, 'tenement.toml');
  const output = join(dir, 'serve.txt');
  const port = await freePort();
  writeFileSync(config, tenementToml(options), { mode: 0o600 });
  const argv = [process.execPath, join(build, 'src', 'cli', 'main.js')];
  const child = processes.start([...argv, 'serve', '--config', config, '--port', String(port)], {
    cwd: dir,
    output,
    cores,
  });
  const socket = controlSocketPath(join(dir, 'data'));
  const apps = new Set<number>();
  await untilUp(name, child, output, async () => {
    const instances = await call<{ id: string; pid: number | null; health: string }[]>(
      socket,
      'GET',
      '/api/instances',
    ).catch(() => []);
    const up = instances.filter(({ health, pid }) => health === 'healthy' && pid !== null);
    for (const { pid } of up) if (pid !== null) apps.add(pid);
    return up.length === 2;
  });
  const logFile = options.log ? accessLog(dir) : undefined;
  return { name, port, child, apps, socket, logFile };
}

const accessLog = (dir: string) => join(dir, 'access.log');

/** Why `ten serve` would not start with an access log, or undefined. For builds from before it had one. */
export function noAccessLog(error: unknown): string | undefined {
  return String(error).includes('tuning of the proxy') ? 'this build has no access log' : undefined;
}

function tenementToml({ dir, upstream, programs, prefix, log }: TenementOptions): string {
  const command = (...argv: string[]) => `command = "${argv.join(' ').trim()}"\nisolation = "process"`;
  const own = (...argv: string[]) => command(prefix, ...programs, ...argv);
  return `[settings]
data_dir = "${join(dir, 'data')}"
${log ? `[settings.proxy]\naccess_log = "${accessLog(dir)}"` : ''}
[service.files]
${command('sh', upstream.files)}
[service.sink]
${own('sink')}
[service.burst]
${command('sh', upstream.burst)}
[service.flood]
${command(...programs, 'flood', String(LOG_LINES_PER_SECOND))}
[instances]
files = ["one"]
sink = ["one"]
`;
}

/** Calls tenement's API over its control socket. @throws Error with its answer when it is not a success */
export function call<T>(socketPath: string, method: string, path: string, body?: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    request({ socketPath, method, path, headers, timeout: 60_000 }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      res.once('error', reject).once('end', () => {
        if ((res.statusCode ?? 500) >= 300) reject(new Error(`${method} ${path}: ${res.statusCode} ${text}`));
        else resolve((text === '' ? undefined : JSON.parse(text)) as T);
      });
    })
      .once('error', reject)
      .end(payload);
  });
}
