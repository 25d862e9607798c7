/** A real `ten serve` for a config written by the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../src/base/package-root.js';
import { type CommandResult, isUp, type Reply, type RequestOptions, send, TEN } from './example-server.js';
import { freePort } from './free-port.js';
import { freshDir } from './fresh-dir.js';
import { processesUnder } from './left-processes.js';
import { ownPorts, withPorts } from './own-ports.js';
import { patience } from './patience.js';
import { until } from './until.js';

/** The path of a program under test/fixtures/apps. */
export const fixture = (name: string) => join(packageRoot, 'test', 'fixtures', 'apps', name);

/** `command = ...` for a fixture that runs on this Node. */
export const nodeCommand = (name: string) => `command = "${process.execPath} ${fixture(name)}"`;

/** A service that runs workbench.mjs, with fast timings; `lines` are added to the table. */
export const workbench = (name = 'app', lines = '') => `
[service.${name}]
${nodeCommand('workbench.mjs')}
workdir = "work"
health = "/health"
isolation = "process"
stop_timeout = 5
drain_timeout = 1
${lines}
[service.${name}.env]
DATA_DIR = "{data_dir}/${name}/{id}"
`;

export class TestServer {
  readonly port: number;
  readonly directory: string;
  readonly #portRange: readonly [number, number];
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(port: number, directory: string, portRange: readonly [number, number]) {
    this.port = port;
    this.directory = directory;
    this.#portRange = portRange;
  }

  /** Writes tenement.toml, serves it, and ends it with the test; then nothing may be left. */
  static async start(t: ExecutionContext, toml: string): Promise<TestServer> {
    const directory = freshDir(t);
    mkdirSync(join(directory, 'work'));
    const server = new TestServer(await freePort(), directory, await ownPorts());
    server.configure(toml);
    t.teardown(async () => {
      await server.stop();
      const left = processesUnder(directory);
      for (const pid of left) process.kill(pid, 'SIGKILL');
      if (left.length > 0)
        throw new Error(`processes were left behind: ${left.join(', ')}; ${server.output}`);
    });
    await server.run();
    return server;
  }

  get output(): string {
    return this.#output;
  }
  get pid(): number {
    return this.#child?.pid ?? 0;
  }
  get ended(): boolean {
    return this.exitCode !== undefined || this.signal !== undefined;
  }
  get exitCode(): number | undefined {
    return this.#child?.exitCode ?? undefined;
  }
  /** The signal that ended it, if one did. */
  get signal(): NodeJS.Signals | undefined {
    return this.#child?.signalCode ?? undefined;
  }
  get dataDir(): string {
    return join(this.directory, 'tenement-data');
  }

  /** Writes tenement.toml, with ports for its instances that no other server tries, unless the text has its own. */
  configure(toml: string): void {
    writeFileSync(join(this.directory, 'tenement.toml'), withPorts(toml, this.#portRange));
  }

  async run(): Promise<void> {
    const child = spawn(TEN[0], [TEN[1], 'serve', '--port', String(this.port)], {
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: serverEnv(),
    });
    let own = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        own = (own + text).slice(-64_000);
        this.#output = (this.#output + text).slice(-200_000);
      });
    }
    this.#child = child;
    // Its last words come after its exit, or before.
    const closed = once(child, 'close');
    await until(
      () => `the server answers: ${this.#output}`,
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) {
          await Promise.race([closed, delay(10_000, undefined, { ref: false })]);
          throw new Error(`the server ended: ${this.#output}`);
        }
        return isUp(this.port, own);
      },
    );
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** As a crash would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    await outputRead();
  }

  async get(host: string, path: string, options?: RequestOptions): Promise<Reply> {
    const reply = await send(this.port, host, path, options);
    await outputRead();
    return reply;
  }

  async ten(...args: string[]): Promise<CommandResult> {
    const result = await execa(TEN[0], [TEN[1], ...args], {
      cwd: this.directory,
      reject: false,
      env: serverEnv(),
      timeout: patience(170_000),
    });
    await outputRead();
    return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
  }

  async health(instance: string): Promise<string> {
    return (await this.ten('health', instance)).stdout.replace(`${instance}: `, '');
  }

  async untilHealth(instance: string, health: string): Promise<void> {
    await until(
      () => `${instance} is ${health}: ${this.#output}`,
      async () => (await this.health(instance)) === health,
    );
  }

  /** Pids of all starts of a workbench instance so far. */
  starts(service: string, id: string): number[] {
    const file = join(this.dataDir, service, id, 'starts');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
  }

  /** Resident memory of the server, bytes; 0 where there is no /proc. */
  rss(): number {
    const status = `/proc/${this.pid}/status`;
    if (!existsSync(status)) return 0;
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(status, 'utf8'))?.[1] ?? 0) * 1024;
  }
}

/** What the server had written before it answered is there as well, and has its turn of the event loop now. */
async function outputRead(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A person's shell may point `ten` at another server. */
function serverEnv(): NodeJS.ProcessEnv {
  const {
    TENEMENT_SERVER: _s,
    TENEMENT_TOKEN: _t,
    TENEMENT_DATA_DIR: _d,
    TENEMENT_CONFIG: _c,
    ...env
  } = process.env;
  return { ...env, NODE_EXTRA_CA_CERTS: '' };
}

/** Whether a process runs. One that is dead but not reaped (its parent is a container's idle pid 1) does not. */
export const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return (
      process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
    );
  } catch {
    return false;
  }
};
