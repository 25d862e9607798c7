import type { ExecutionContext, TestFn } from 'ava';
import { statusOf, valuesOf } from './http-wire.js';
import { HOST, type ProxyBench } from './proxy-bench.js';
import type { UpstreamRequest } from './scripted-upstream.js';
import { turn } from './wire-client.js';

export interface BadAnswer {
  readonly name: string;
  /** What the app sends. */
  readonly bytes: string;
  /** The app ends its side behind it. */
  readonly ends?: boolean;
  readonly method?: string;
  /** The head is fine: the client gets it, and then no complete body. */
  readonly headPasses?: boolean;
}

/** One test per answer: the client gets 502 or visibly no whole answer, the app one request, and the next request its own answer. */
export function distrusts(test: TestFn, bench: ProxyBench, answers: readonly BadAnswer[]): void {
  for (const answer of answers) {
    test.serial(answer.name, async (t) => {
      await distrusted(t, bench, answer, 'at once', (request) => request.send(answer.bytes));
      await distrusted(t, bench, answer, 'byte by byte', async (request) => {
        const { bytes } = answer;
        const from = Math.max(0, bytes.length - 500);
        request.send(bytes.slice(0, from));
        for (let at = from; at < bytes.length && !request.cut; at += 1) {
          request.send(bytes.slice(at, at + 1));
          await turn();
        }
      });
    });
  }
}

async function distrusted(
  t: ExecutionContext,
  bench: ProxyBench,
  answer: BadAnswer,
  way: string,
  deliver: (request: UpstreamRequest) => void | Promise<void>,
): Promise<void> {
  const method = answer.method ?? 'GET';
  bench.upstream.begin(async (request) => {
    await request.whole();
    await deliver(request);
    if (answer.ends === true) request.socket.end();
    await request.gone();
  });
  const client = bench.connect().send(`${method} /bad HTTP/1.1\r\n${HOST}\r\n`);
  if (answer.headPasses === true) {
    const outcome = await client.response(method).then(
      ({ final }) => statusOf(final),
      (error: Error) => error.message,
    );
    t.true(outcome === 502 || /^the connection ended/.test(`${outcome}`), `${way}: ${outcome}`);
  } else {
    const { final } = await client.response(method);
    t.is(statusOf(final), 502, `${way}: ${final.start}`);
    t.is(valuesOf(final, 'tenement-error').join(), 'upstream_failed', way);
  }
  if (!client.over) t.is(client.buffer, '', `${way}: nothing follows`);
  t.notRegex(client.buffer, /injected/, `${way}: nothing of the app's making follows`);
  // A GET whose answer broke off in the head may be tried once more.
  const most = answer.ends === true && method === 'GET' ? 2 : 1;
  t.true(bench.upstream.seen.length <= most, `${way}: the app was asked once`);
  if (!client.over) {
    client.send(`GET /probe/kept HTTP/1.1\r\n${HOST}\r\n`);
    t.is((await client.response()).final.body, 'kept', `${way}: the kept connection is in step`);
  }
  await bench.settle(t);
}
