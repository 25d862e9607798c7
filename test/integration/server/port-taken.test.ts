/** Between the trial of a port and the app's bind() another program takes it: here the test does, at the app's own word. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { addressOf } from '../../helpers/fake-upstreams.js';
import { freePorts } from '../../helpers/free-port.js';
import { nodeCommand, TestServer } from '../../helpers/server.js';

/** Listens on the ports of the first `times` starts, and answers each health check there with `status`. */
class Stranger {
  readonly ports: number[] = [];
  readonly #servers: Server[] = [];
  readonly #times: number;
  readonly #status: number;

  constructor(t: ExecutionContext, times: number, status: number) {
    this.#times = times;
    this.#status = status;
    t.teardown(() => {
      for (const server of this.#servers) server.close().closeAllConnections();
    });
  }

  async listen(port: number): Promise<number> {
    const server = createServer((_, res) => res.writeHead(this.#status).end("a stranger's"));
    this.#servers.push(server);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return addressOf(server).port;
  }

  /** Where an app tells its port before it listens there. */
  async door(): Promise<string> {
    const port = await this.listen(0);
    this.#servers[0]?.removeAllListeners('request').on('request', async (req, res) => {
      const asked = Number(req.url?.slice(1));
      this.ports.push(asked);
      if (this.ports.length <= this.#times) await this.listen(asked);
      res.end();
    });
    return `http://127.0.0.1:${port}`;
  }
}

/** Whether it can be told who listens. */
function canTell(t: ExecutionContext): boolean {
  if (process.platform === 'linux') return true;
  t.log('skipped: only Linux tells who owns a listening socket');
  t.pass();
  return false;
}

async function begin(t: ExecutionContext, times: number, options: { stays?: boolean; ports?: number } = {}) {
  // With 503 only the app's own end can tell of it.
  const stranger = new Stranger(t, times, options.stays ? 200 : 503);
  const [first, last] = await freePorts(options.ports ?? 4);
  const server = await TestServer.start(
    t,
    `
[settings]
port_range = [${first}, ${last}]
[service.app]
${nodeCommand('let-in.mjs')}
workdir = "work"
health = "/health"
isolation = "process"
on_demand = "any"
stop_timeout = 2
[service.app.env]
DOOR = "${await stranger.door()}"
STAYS = "${options.stays ? 'yes' : ''}"
`,
  );
  return { stranger, server };
}

for (const stays of [false, true]) {
  const how = stays ? 'runs on' : 'gives up';
  for (const times of [1, 2]) {
    test(`an app whose port is taken ${how}: the request that waits gets the next port's answer, after ${times}`, async (t) => {
      if (!canTell(t)) return;
      const { stranger, server } = await begin(t, times, { stays });
      const reply = await server.get('alice.app.localhost', '/');
      t.is(reply.status, 200, `${reply.text} ${server.output}`);
      t.is(reply.text, `mine ${stranger.ports.at(-1)}`);
      t.is(new Set(stranger.ports).size, times + 1, `another port each time: ${stranger.ports}`);
      const told = server.output.match(/starting -> starting/g) ?? [];
      t.is(told.length, times, server.output);
      const { stdout } = await server.ten('logs', 'app:alice');
      t.regex(stdout, new RegExp(`another port: .*nother program listens on port ${stranger.ports[0]}`));
    });
  }

  test(`an app whose port is taken ${how}: three in a row are told, and a person's start tries again`, async (t) => {
    if (!canTell(t)) return;
    const { stranger, server } = await begin(t, 3, { stays });
    const reply = await server.get('alice.app.localhost', '/');
    t.is(reply.status, 502, `${reply.text} ${server.output}`);
    t.regex(reply.text, /port_taken/);
    t.regex(server.output, /"to":"backoff","cause":"[^"]*nother program listens on port/);
    t.is(stranger.ports.length, 3);
    const started = await server.ten('start', 'app:alice');
    t.is(started.exitCode, 0, `${started.stderr} ${server.output}`);
    t.is((await server.get('alice.app.localhost', '/')).text, `mine ${stranger.ports[3]}`);
  });
}

test('when the range has no other port, the error says whose they are', async (t) => {
  if (!canTell(t)) return;
  const { server } = await begin(t, 2, { ports: 2 });
  const spawned = await server.ten('spawn', 'app:alice');
  t.not(spawned.exitCode, 0);
  t.regex(
    spawned.stderr,
    /all ports from \d+ to \d+ are taken: 0 by instances, the others by other programs/,
  );
});

test('an app that fails by itself is not started again for who waits', async (t) => {
  const server = await TestServer.start(
    t,
    `
[service.app]
${nodeCommand('exit-at-once.mjs')}
workdir = "work"
isolation = "process"
on_demand = "any"
`,
  );
  const reply = await server.get('alice.app.localhost', '/');
  t.is(reply.status, 502, server.output);
  t.regex(reply.text, /start_failed/);
  t.notRegex(server.output, /starting -> starting/);
});
