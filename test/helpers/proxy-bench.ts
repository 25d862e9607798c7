import type { ExecutionContext, TestFn } from 'ava';
import { addressOf } from './fake-upstreams.js';
import { type ProxyFixture, startProxy } from './proxy-fixture.js';
import { eventually } from './raw-http.js';
import { ScriptedUpstream } from './scripted-upstream.js';
import { WireClient } from './wire-client.js';

/** One proxy with one scripted app behind it, for all tests of a file. The tests have to be serial. */
export interface ProxyBench {
  readonly upstream: ScriptedUpstream;
  readonly fixture: ProxyFixture;
  connect(): WireClient;
  /** A request on its own connection gets its own answer, and nothing else is open. */
  settle(t: ExecutionContext): Promise<void>;
}

/** Host of the instance behind the bench. */
export const HOST = 'Host: a.app.test\r\n';

export function proxyBench(test: TestFn): ProxyBench {
  const upstream = new ScriptedUpstream();
  const undo: (() => unknown)[] = [];
  const clients = new Set<WireClient>();
  let fixture: ProxyFixture | undefined;
  let probes = 0;
  // Leases that an earlier test has already reported as lost.
  let lost = 0;
  const bench: ProxyBench = {
    upstream,
    get fixture() {
      if (fixture === undefined) throw new Error('the bench is not started');
      return fixture;
    },
    connect() {
      const client = new WireClient(bench.fixture.port);
      clients.add(client);
      return client;
    },
    async settle(t) {
      for (const client of clients) client.destroy();
      clients.clear();
      probes += 1;
      const word = `settle${probes}`;
      const client = bench.connect().send(`GET /probe/${word} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
      const { final } = await client.response();
      t.is(final.body, word, 'the next request gets its own answer');
      t.is(await client.end(), '', 'and nothing behind it');
      clients.clear();
      const { upstreams } = bench.fixture;
      await eventually(() => upstreams.open <= lost, 'all leases to be given back').catch((error) => {
        lost = upstreams.open;
        throw error;
      });
      t.deepEqual(upstream.violations, [], 'everything that reached the app was strict HTTP');
    },
  };
  test.before(async () => {
    await upstream.listen();
    // A hook's own teardown would run before the first test.
    const hook = { teardown: (fn: () => unknown) => undo.unshift(fn) } as unknown as ExecutionContext;
    fixture = await startProxy(hook);
    fixture.upstreams.address = () => addressOf(upstream.server);
  });
  test.after.always(async () => {
    for (const client of clients) client.destroy();
    for (const step of undo) await step();
    await upstream.close();
  });
  return bench;
}
