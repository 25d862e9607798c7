import type { ExecutionContext, TestFn } from 'ava';
import { type Framing, valuesOf, type WireMessage } from './http-wire.js';
import { HOST, type ProxyBench } from './proxy-bench.js';
import type { UpstreamRequest } from './scripted-upstream.js';
import { turn, type WireClient } from './wire-client.js';

/** One exchange through the proxy, as bytes in and meaning out. */
export interface Case {
  readonly name: string;
  /** What the client sends. */
  readonly send: string;
  /** What the app answers when it has the whole request. */
  readonly upstream: string;
  /** The app ends the connection behind its answer. */
  readonly upstreamEnds?: boolean;
  readonly expectUpstream: ExpectedMessage;
  readonly expectClient: ExpectedMessage & {
    /** Start lines of the 1xx before it. */
    readonly interim?: readonly string[];
    /** Whether the connection takes another request; undefined: either. */
    readonly kept?: boolean | undefined;
  };
}

export interface ExpectedMessage {
  readonly start: string;
  /** `Name: value` in order, without the fields that belong to one connection and those that the proxy sets. */
  readonly fields: readonly string[];
  /** Several: any of them. */
  readonly framing: Framing | readonly Framing[];
  readonly body?: string;
  readonly trailers?: readonly string[];
}

type Way = (client: WireClient, bytes: string) => void | Promise<void>;

const every = (bytes: string) => Array.from(bytes, (_char, at) => at);
const around = (bytes: string, marks: string, shift: number) =>
  every(bytes)
    .filter((at) => marks.includes(bytes[at] ?? ''))
    .map((at) => at + shift);

const WAYS: Record<string, Way> = {
  whole: (client, bytes) => {
    client.send(bytes);
  },
  'byte by byte': (client, bytes) => client.sendCut(bytes, every(bytes)),
  'cut behind each CR': (client, bytes) => client.sendCut(bytes, around(bytes, '\r', 1)),
  'cut before each CR and space': (client, bytes) => client.sendCut(bytes, around(bytes, '\r ', 0)),
  'head and body apart': (client, bytes) => client.sendCut(bytes, [bytes.indexOf('\r\n\r\n') + 4]),
};

/** One test per case, which runs it in all ways, and among other requests of the same connection; `briefly`: in two ways. */
export function conforms(test: TestFn, bench: ProxyBench, cases: readonly Case[], briefly = false): void {
  const ways = Object.entries(WAYS).filter(
    ([way]) => !briefly || ['whole', 'cut behind each CR'].includes(way),
  );
  for (const one of cases) {
    test.serial(one.name, async (t) => {
      for (const [way, deliver] of ways) await run(t, bench, one, way, deliver, false);
      if (!briefly)
        await run(
          t,
          bench,
          one,
          'among others',
          (client, bytes) => {
            client.send(`${probe('before')}${bytes}${one.expectClient.kept === true ? probe('after') : ''}`);
          },
          true,
        );
      await bench.settle(t);
    });
  }
}

const probe = (word: string) => `GET /probe/${word} HTTP/1.1\r\n${HOST}\r\n`;

async function run(
  t: ExecutionContext,
  bench: ProxyBench,
  one: Case,
  way: string,
  deliver: Way,
  among: boolean,
): Promise<void> {
  const method = one.send.slice(0, one.send.indexOf(' '));
  bench.upstream.begin((request) => answer(request, one, way.startsWith('byte')));
  const client = bench.connect();
  const sent = deliver(client, one.send);
  if (among) t.is((await client.response()).final.body, 'before', way);
  const { interim, final } = await client.response(method);
  await sent;
  const expected = one.expectClient;
  t.deepEqual(
    interim.map(({ start }) => start),
    [...(expected.interim ?? [])],
    way,
  );
  t.deepEqual(shown(final, ownToClient(one)), wanted(expected, final.framing), `${way}: the client`);
  t.true([expected.framing].flat().includes(final.framing), `${way}: framed by ${final.framing}`);
  const [request, ...more] = bench.upstream.seen;
  t.is(more.length, 0, `${way}: one request at the app`);
  const message = request?.message;
  if (message === undefined) t.fail(`${way}: no request at the app`);
  else {
    const toApp = one.expectUpstream;
    // Saying that there is no body is no harm.
    const said = toApp.framing === 'none' && valuesOf(message, 'content-length').join() === '0';
    const own = said ? [...OWN_TO_APP, 'content-length'] : OWN_TO_APP;
    const framing = said ? 'none' : message.framing;
    t.deepEqual(shown(message, own), wanted(toApp, framing), `${way}: the app`);
    t.true([toApp.framing].flat().includes(framing), `${way}: framed by ${framing}`);
    forwarded(t, message, valuesOf(message, 'host')[0]);
  }
  if (expected.kept === true) {
    if (!among) client.send(probe('after'));
    t.is((await client.response()).final.body, 'after', `${way}: the connection is kept and in step`);
    t.is(client.buffer, '', way);
  } else if (expected.kept === false) t.is(await client.end(), '', `${way}: the connection ends`);
  client.destroy();
}

async function answer(request: UpstreamRequest, one: Case, slowly: boolean): Promise<void> {
  await request.whole();
  if (!slowly) request.send(one.upstream);
  else
    for (const char of one.upstream) {
      request.send(char);
      await turn();
    }
  if (one.upstreamEnds === true) request.socket.end();
}

/** Fields of one connection, and those that the proxy sets and `forwarded` checks. */
const OWN_TO_APP = [
  'connection',
  'transfer-encoding',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-request-id',
];

function ownToClient(one: Case): string[] {
  // RFC 9110 6.6.1: a Date is added where the app sent none.
  const own = ['connection', 'keep-alive', 'transfer-encoding'];
  return one.expectClient.fields.some((field) => field.startsWith('Date:')) ? own : [...own, 'date'];
}

function shown(message: WireMessage, own: readonly string[]) {
  const fields = message.fields
    .filter(([name]) => !own.includes(name.toLowerCase()))
    .map(([name, value]) => `${name}: ${value}`);
  const trailers = message.trailers.map(([name, value]) => `${name}: ${value}`);
  return { start: message.start, fields, body: message.body, trailers };
}

function wanted(expected: ExpectedMessage, framing: Framing) {
  const { start, fields, body = '', trailers = [] } = expected;
  // Only chunks can carry trailers; where the body had to be framed otherwise they are dropped.
  return { start, fields: [...fields], body, trailers: framing === 'chunked' ? [...trailers] : [] };
}

/** The forwarding fields are there once each and tell the truth. */
export function forwarded(t: ExecutionContext, message: WireMessage, host: string | undefined): void {
  t.deepEqual(valuesOf(message, 'x-forwarded-for'), ['127.0.0.1']);
  t.deepEqual(valuesOf(message, 'x-forwarded-proto'), ['http']);
  t.deepEqual(valuesOf(message, 'x-forwarded-host'), host === undefined ? [] : [host]);
  t.regex(valuesOf(message, 'x-request-id').join(), /^[\x21-\x7e]{16,128}$/);
}
