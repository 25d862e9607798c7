import type { ExecutionContext, TestFn } from 'ava';
import { statusOf, valuesOf } from './http-wire.js';
import { HOST, type ProxyBench } from './proxy-bench.js';
import type { UpstreamRequest } from './scripted-upstream.js';
import { turn, type WireClient } from './wire-client.js';

export interface Attack {
  readonly name: string;
  /** What the client sends on one connection. */
  readonly bytes: string;
  /** Acceptable answers; 400 unless said otherwise. */
  readonly statuses?: readonly number[];
  /** The head is fine and may have reached the app before the body went bad. It must never look complete there. */
  readonly headPasses?: boolean;
  /** There is a harmless reading as well: the app gets this body, and nothing more. */
  readonly orBody?: string;
}

/** What a victim's connection would be given if the proxy lost its place: put it behind the attack. */
export const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;

/** A GET with these header lines (with their line ends) beside Host. */
export function get(lines: string): string {
  return `GET /attack HTTP/1.1\r\n${HOST}${lines}\r\n`;
}

/** A POST with these header lines beside Host, a body, and a request behind it. */
export function post(lines: string, body: string): string {
  return `POST /attack HTTP/1.1\r\n${HOST}${lines}\r\n${body}${SMUGGLED}`;
}

/** A POST with a chunked body of these bytes, and a request behind it. */
export function chunks(body: string): string {
  return post('Transfer-Encoding: chunked\r\n', body);
}

type Delivery = (client: WireClient, bytes: string) => void | Promise<void>;

const deliveries: Record<string, Delivery> = {
  'at once': (client, bytes) => {
    client.send(bytes);
  },
  'byte by byte': async (client, bytes) => {
    // Long attacks are long of one thing: their ends are what matters.
    const from = bytes.length > 2000 ? bytes.length - 500 : 0;
    client.send(bytes.slice(0, from));
    for (let at = from; at < bytes.length && client.buffer === '' && !client.over; at += 1) {
      client.send(bytes.slice(at, at + 1));
      await turn();
    }
  },
  'behind the CR of each line': (client, bytes) => client.sendCut(bytes, cutsBehind(bytes, '\r')),
  'on a kept connection': async (client, bytes) => {
    client.send(`GET /probe/first HTTP/1.1\r\n${HOST}\r\n`);
    await client.response();
    client.send(bytes);
  },
};

function cutsBehind(bytes: string, char: string): number[] {
  const cuts: number[] = [];
  for (let at = bytes.indexOf(char); at >= 0 && cuts.length < 200; at = bytes.indexOf(char, at + 1))
    cuts.push(at + 1);
  return cuts;
}

/** One test per attack: it is refused however its bytes arrive, the connection ends, and the app never sees a request of it. */
export function refuses(test: TestFn, bench: ProxyBench, attacks: readonly Attack[]): void {
  for (const attack of attacks) {
    test.serial(attack.name, async (t) => {
      for (const [way, deliver] of Object.entries(deliveries)) await refused(t, bench, attack, way, deliver);
    });
  }
}

/** The same with the attack in the packet of a good request, which has to be answered first. */
export function refusesPipelined(test: TestFn, bench: ProxyBench, attacks: readonly Attack[]): void {
  for (const attack of attacks) {
    test.serial(attack.name, (t) =>
      refused(t, bench, attack, 'pipelined', async (client, bytes) => {
        client.send(`GET /probe/first HTTP/1.1\r\n${HOST}\r\n${bytes}`);
        t.is((await client.response()).final.body, 'first', 'the good request before it is answered');
      }),
    );
  }
}

async function refused(
  t: ExecutionContext,
  bench: ProxyBench,
  attack: Attack,
  way: string,
  deliver: Delivery,
): Promise<void> {
  bench.upstream.begin((request) => request.answer('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  const client = bench.connect();
  await deliver(client, attack.bytes);
  const { final } = await client.response();
  const status = statusOf(final);
  if (attack.orBody !== undefined && status === 200) {
    await harmless(t, bench, attack.orBody);
    return;
  }
  const statuses = attack.statuses ?? [400];
  t.true(statuses.includes(status), `${way}: ${final.start}, not ${statuses.join(' or ')}`);
  t.is(valuesOf(final, 'connection').join(), 'close', `${way}: the answer says that it is the last`);
  t.is(await client.end(), '', `${way}: nothing follows the answer`);
  const { seen } = bench.upstream;
  if (attack.headPasses === true) await neverComplete(t, seen, way);
  else
    t.deepEqual(
      seen.map((request) => request.bytes),
      [],
      `${way}: nothing reached the app`,
    );
  await bench.settle(t);
}

async function neverComplete(t: ExecutionContext, seen: readonly UpstreamRequest[], way: string) {
  t.true(seen.length <= 1, `${way}: at most one request reached the app`);
  for (const request of seen) {
    t.regex(request.head.start, /^[A-Z]+ \/attack /, way);
    await request.gone();
    t.is(request.message, undefined, `${way}: the app never had a whole request`);
  }
}

async function harmless(t: ExecutionContext, bench: ProxyBench, body: string): Promise<void> {
  const [first, ...more] = bench.upstream.seen;
  t.is(first?.message?.body, body);
  t.true(
    more.every((request) => request.head.start.startsWith('GET /smuggled ')),
    'what follows is the request that was sent openly',
  );
  await bench.settle(t);
}
