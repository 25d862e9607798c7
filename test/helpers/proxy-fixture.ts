import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { silentLog } from '../../src/base/log.js';
import { isLoopback } from '../../src/proxy/client-address.js';
import type { ProxyOptions } from '../../src/proxy/core.js';
import type { RequestEnd } from '../../src/proxy/request-end.js';
import type { RoutingTable } from '../../src/proxy/router.js';
import { createProxy, type ProxyServer } from '../../src/proxy/server.js';
import { addressOf, FakeUpstreams } from './fake-upstreams.js';

export interface ProxyFixture {
  readonly port: number;
  readonly upstreams: FakeUpstreams;
  readonly ends: RequestEnd[];
  readonly proxy: ProxyServer;
}

/** Who answers what is for the server itself. */
export type HandleOwn = (
  request: IncomingMessage,
  response: ServerResponse,
  context: { readonly peerIsLoopback: boolean },
) => void;

interface FixtureOptions extends Pick<ProxyOptions, 'limits' | 'fastReads'> {
  table?: Partial<RoutingTable>;
  trustedProxies?: string[];
  handleOwn?: HandleOwn;
}

/** A proxy on a free port of loopback, domain `test`, service `app`: `Host: a.app.test` reaches it. */
export async function startProxy(t: ExecutionContext, options: FixtureOptions = {}): Promise<ProxyFixture> {
  const upstreams = new FakeUpstreams();
  const ends: RequestEnd[] = [];
  const table: RoutingTable = {
    domain: 'test',
    services: new Map([['app', { balance: false }]]),
    subdomain: new Map(),
    path: [],
    ...options.table,
  };
  const handleOwn: HandleOwn =
    options.handleOwn ??
    ((request, response, { peerIsLoopback }) => {
      response.end(`own ${request.method} ${request.url} ${peerIsLoopback}`);
    });
  const own = await startApp(t, (request, response) => {
    const peerIsLoopback = isLoopback(String(request.headers['x-tenement-client']));
    try {
      handleOwn(request, response, { peerIsLoopback });
    } catch {
      response.destroy();
    }
  });
  const { limits, fastReads } = options;
  const proxy = createProxy({
    upstreams,
    table: () => table,
    own: () => addressOf(own),
    log: silentLog,
    trustedProxies: () => options.trustedProxies ?? [],
    onRequestEnd: (end) => ends.push(end),
    ...(limits === undefined ? {} : { limits }),
    ...(fastReads === undefined ? {} : { fastReads }),
  });
  const [address] = await proxy.listen([{ host: '127.0.0.1', port: 0 }]);
  t.teardown(() => proxy.close({ graceMs: 0 }));
  return { port: address?.port ?? 0, upstreams, ends, proxy };
}

/** An app of node:http. */
export async function startApp(t: ExecutionContext, listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  server.on('connection', (socket) => t.teardown(() => socket.destroy()));
  return listening(t, server);
}

/** An app that speaks bytes. */
export async function startRawApp(t: ExecutionContext, accept: (socket: Socket) => void): Promise<Server> {
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    t.teardown(() => socket.destroy());
    socket.on('error', () => {});
    accept(socket);
  });
  return listening(t, server);
}

async function listening(t: ExecutionContext, server: Server): Promise<Server> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.teardown(() => new Promise<void>((done) => server.close(() => done())));
  return server;
}

/** A proxy with one app behind it. */
export async function startWith(
  t: ExecutionContext,
  listener: RequestListener,
  options: FixtureOptions = {},
): Promise<ProxyFixture> {
  const app = await startApp(t, listener);
  const fixture = await startProxy(t, options);
  fixture.upstreams.address = () => addressOf(app);
  return fixture;
}

export async function startWithRaw(
  t: ExecutionContext,
  accept: (socket: Socket) => void,
  options: FixtureOptions = {},
): Promise<ProxyFixture> {
  const app = await startRawApp(t, accept);
  const fixture = await startProxy(t, options);
  fixture.upstreams.address = () => addressOf(app);
  return fixture;
}
