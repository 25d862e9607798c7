import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../src/base/package-root.js';
import { freePort } from './free-port.js';
import { processesUnder } from './left-processes.js';
import { giveOwnPorts } from './own-ports.js';
import { patience } from './patience.js';
import { until } from './until.js';

/** The `ten` of the build that this test belongs to, as an argv. */
export const TEN: readonly [string, string] = [
  process.execPath,
  fileURLToPath(new URL('../../src/cli/main.js', import.meta.url)),
];

/** The root of the build that this test belongs to (`dist` or `.build/X`). */
export const buildRoot = fileURLToPath(new URL('../..', import.meta.url));

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface RequestOptions {
  readonly method?: string;
  /** In the order and spelling to send. */
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
}

export interface CommandResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExampleServer {
  readonly port: number;
  readonly directory: string;
  readonly dataDir: string;
  /** A request to `http://HOST:port` + `path`, sent to 127.0.0.1. */
  request(host: string, path: string, options?: RequestOptions): Promise<Reply>;
  /** Runs `ten` against this server by its Unix socket. Never throws for an exit code. */
  ten(...args: string[]): Promise<CommandResult>;
}

/** A private copy of an example without what earlier runs left in it, and with ports of its own. Removed at the end of the test. */
export async function copyExample(t: ExecutionContext, name: string): Promise<string> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'tenement-example-')));
  t.teardown(() => {
    const left = processesUnder(root);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    rmSync(root, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`${name}: processes were left behind: ${left.join(', ')}`);
  });
  const directory = join(root, 'examples', name);
  cpSync(join(packageRoot, 'examples', name), directory, {
    recursive: true,
    filter: (path) => !/\/(tenement-data|node_modules|__pycache__)$/.test(path),
  });
  await giveOwnPorts(join(directory, 'tenement.toml'));
  return directory;
}

/** Whether a server that has written `output` is up: it answers a moment before its socket for `ten` is there, and says when all is. */
export async function isUp(port: number, output: string): Promise<boolean> {
  if (!output.includes(' serves http')) return false;
  return (await send(port, 'localhost', '/health').catch(() => undefined))?.status === 200;
}

/** Serves the example in `directory` until the test ends. Resolves once the server answers. */
export async function serveExample(t: ExecutionContext, directory: string): Promise<ExampleServer> {
  const port = await freePort();
  const dataDir = join(directory, 'tenement-data');
  const config = join(directory, 'tenement.toml');
  const args = [TEN[1], 'serve', '--config', config, '--data-dir', dataDir, '--port', String(port)];
  const env = cleanEnv();
  const server = spawn(TEN[0], args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: directory, env });
  const output = collect(server);
  t.teardown(() => endServer(server, output));
  await until(
    () => `the server answers; it wrote: ${output()}`,
    async () => {
      if (server.exitCode !== null || server.signalCode !== null)
        throw new Error(`the server ended: ${output()}`);
      return isUp(port, output());
    },
  );
  return {
    port,
    directory,
    dataDir,
    request: (host, path, options) => send(port, host, path, options),
    ten: async (...rest) => {
      const result = await execa(TEN[0], [TEN[1], '--data-dir', dataDir, '--config', config, ...rest], {
        reject: false,
        cwd: directory,
        env,
        extendEnv: false,
        timeout: patience(170_000),
      });
      return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
    },
  };
}

/** Our own environment without TENEMENT_*: a developer's shell must not decide a test. */
export function cleanEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TENEMENT_')));
}

/** One request to 127.0.0.1 with another Host. */
export function send(port: number, host: string, path: string, options: RequestOptions = {}): Promise<Reply> {
  const { method = 'GET', headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      // agent false: no kept connection holds the test or the server open.
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        agent: false,
        headers: { Host: `${host}:${port}`, ...headers },
      },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (part: string) => {
          text += part;
        });
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }),
        );
      },
    );
    outgoing.setTimeout(60_000, () =>
      outgoing.destroy(new Error(`${method} ${host}${path}: no answer within a minute`)),
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (part: string) => {
      text = (text + part).slice(-64_000);
    });
  }
  return () => text;
}

/** Ends the server as an operator would. @throws when it does not end, or not with 0 */
async function endServer(server: ChildProcess, output: () => string): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) {
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    const late = delay(60_000, 'late' as const, { ref: false });
    if ((await Promise.race([ended, late])) === 'late') {
      server.kill('SIGKILL');
      throw new Error(`the server did not end within a minute of SIGTERM; it wrote: ${output()}`);
    }
  }
  if (server.exitCode !== 0) {
    throw new Error(`the server ended with ${server.exitCode ?? server.signalCode}; it wrote: ${output()}`);
  }
}
