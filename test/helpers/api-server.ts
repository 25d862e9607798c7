import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ApiDeps } from '../../src/api/deps.js';
import { createMetrics } from '../../src/api/metrics.js';
import { type Api, createApi } from '../../src/api/server.js';
import { silentLog } from '../../src/base/log.js';
import { prepareDataDir } from '../../src/state/data-dir.js';
import { openStore } from '../../src/state/store.js';
import type { Store, TokenScope } from '../../src/state/types.js';
import { FakeClock } from './fake-clock.js';
import { FakeControl } from './fake-control.js';
import { FakeLogs } from './fake-logs.js';
import { freshDir } from './fresh-dir.js';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly body: unknown;
}

export interface Call {
  readonly token?: string | undefined;
  /** Sent as JSON, unless it is text or bytes already. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Over the Unix socket instead of TCP. */
  readonly socket?: boolean;
}

export interface ApiServer {
  readonly api: Api;
  readonly control: FakeControl;
  readonly logs: FakeLogs;
  readonly store: Store;
  readonly clock: FakeClock;
  readonly port: number;
  call(method: string, path: string, options?: Call): Promise<Reply>;
  /** The answer as soon as its head has come: for streams. */
  open(method: string, path: string, options?: Call): Promise<IncomingMessage>;
  token(scope: TokenScope): string;
}

/** The API on a real TCP port and a real Unix socket, over a real store, with fake instances, logs and clock. */
export async function startApi(t: ExecutionContext, more: Partial<ApiDeps> = {}): Promise<ApiServer> {
  const dir = freshDir(t);
  prepareDataDir(dir);
  const store = openStore(dir);
  const control = new FakeControl(['notes', 'shop'], ['notes:alice', 'notes:bob', 'shop:alice']);
  const logs = new FakeLogs();
  const clock = new FakeClock();
  const metrics = createMetrics({ control });
  const api = createApi({ control, logs, store, metrics, log: silentLog, version: '9.8.7', clock, ...more });
  const tcp = createServer((req, res) => {
    api.handle(req, res, { trusted: false, address: req.socket.remoteAddress ?? '' });
  });
  const unix = createServer((req, res) => api.handle(req, res, { trusted: true, address: '' }));
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const socketPath = join(dir, 'ten.sock');
  unix.listen(socketPath);
  await once(unix, 'listening');
  t.teardown(async () => {
    api.close();
    for (const server of [tcp, unix]) {
      server.closeAllConnections();
      server.close();
    }
    store.close();
  });
  const { port } = tcp.address() as AddressInfo;

  function open(method: string, path: string, options: Call = {}): Promise<IncomingMessage> {
    const { body } = options;
    const payload =
      body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const req = request(
        {
          ...(options.socket === true ? { socketPath } : { host: '127.0.0.1', port }),
          method,
          path,
          agent: false,
          headers: {
            ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
            ...options.headers,
          },
        },
        resolve,
      );
      req.on('error', reject);
      req.end(payload);
    });
  }

  return {
    api,
    control,
    logs,
    store,
    clock,
    port,
    open,
    async call(method, path, options) {
      const res = await open(method, path, options);
      let text = '';
      for await (const chunk of res.setEncoding('utf8')) text += chunk;
      return { status: res.statusCode ?? 0, headers: res.headers, text, body: parse(text) };
    },
    token: (scope) => store.tokens.create(scope, 'test', clock.now()).token,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
