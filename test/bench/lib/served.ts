/** A `ten serve` of a config of its own, and what one asks of it, for benchmarks. */
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../../src/base/package-root.js';
import { freePort } from '../../helpers/free-port.js';
import { Processes } from '../lib/processes.js';

const TEN = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
const APP = join(packageRoot, 'test', 'fixtures', 'apps', 'listen.mjs');
const PATIENCE_MS = 120_000;

export interface View {
  readonly id: string;
  readonly state: string;
  readonly pid?: number;
}

/** A table for the service `name`: a Node program that listens and answers. `lines` are added to it. */
export const service = (name: string, isolation: string, lines: string) => `
[service.${name}]
command = "${process.execPath} ${APP}"
workdir = "work"
health = "/"
isolation = "${isolation}"
read_only_paths = ["${dirname(APP)}"]
on_demand = "any"
startup_timeout = 120
${lines}
`;

export class Served {
  readonly directory: string;
  readonly #processes = new Processes();
  /** One connection for each instance, so that a client's connect is never part of what is measured. */
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;
  #server: ChildProcess | undefined;

  private constructor(directory: string, port: number) {
    this.directory = directory;
    this.#port = port;
  }

  /** `prepare` gets the data directory before the server starts. */
  static async start(toml: string, prepare: (dataDir: string) => void = () => {}): Promise<Served> {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'tenement-bench-')));
    chmodSync(directory, 0o755);
    mkdirSync(join(directory, 'work'));
    writeFileSync(join(directory, 'tenement.toml'), toml);
    prepare(join(directory, 'tenement-data'));
    const served = new Served(directory, await freePort());
    served.#server = served.#processes.start(
      [process.execPath, TEN, 'serve', '--port', String(served.#port)],
      {
        cwd: directory,
        output: join(directory, 'server.log'),
      },
    );
    await served.until('the server answers', () =>
      served.ask('localhost', '/health').then(
        () => true,
        () => false,
      ),
    );
    return served;
  }

  get pid(): number {
    return this.#server?.pid ?? 0;
  }

  /** Milliseconds that a command takes. @throws Error with its stderr when it fails */
  async ten(...args: string[]): Promise<number> {
    const began = performance.now();
    await this.#processes.run([process.execPath, TEN, ...args], { cwd: this.directory });
    return performance.now() - began;
  }

  /** Milliseconds to the end of the answer. @throws Error for any status but 2xx */
  ask(host: string, path = '/', method = 'GET'): Promise<number> {
    return this.#send(host, path, method).then(({ ms }) => ms);
  }

  /** The API, as the admin. */
  async api(path: string, method = 'GET'): Promise<string> {
    return (await this.#send('localhost', path, method)).text;
  }

  async views(): Promise<View[]> {
    return JSON.parse(await this.api('/api/instances?all=1')) as View[];
  }

  /** How often the server's log says that. */
  told(text: string): number {
    return readFileSync(join(this.directory, 'server.log'), 'utf8').split(text).length - 1;
  }

  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await condition())) {
      if (performance.now() > deadline) throw new Error(`still waiting: ${what}`);
      await pause(20);
    }
  }

  /** Ends the server and with it all instances. */
  async end(): Promise<void> {
    this.#agent.destroy();
    await this.#processes.endAll();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #send(host: string, path: string, method: string): Promise<{ ms: number; text: string }> {
    const headers: Record<string, string> = { host };
    if (path.startsWith('/api/')) {
      const token = readFileSync(join(this.directory, 'tenement-data', 'api_token'), 'utf8').trim();
      headers.authorization = `Bearer ${token}`;
    }
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: this.#port, path, method, headers, agent: this.#agent },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('error', reject).on('end', () => {
            const { statusCode = 0 } = response;
            if (statusCode >= 300) reject(new Error(`${host}${path}: ${statusCode} ${text}`));
            else resolve({ ms: performance.now() - began, text });
          });
        },
      );
      sent.on('error', reject).end();
    });
  }
}
