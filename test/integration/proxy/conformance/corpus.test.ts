import test from 'ava';
import { type Case, conforms } from '../../../helpers/conformance.js';
import { type CorpusHead, corpus } from '../../../helpers/http-corpus.js';
import type { Framing } from '../../../helpers/http-wire.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';

// What real programs send passes unchanged but for what RFC 9110 7.6.1 says must not pass.

const bench = proxyBench(test);
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade'];
const CHUNKS = '5\r\nhello\r\n0\r\n\r\n';

const nameOf = (field: string) => field.slice(0, field.indexOf(':')).toLowerCase();

function passing(head: CorpusHead): string[] {
  const named = head.fields
    .filter((field) => nameOf(field) === 'connection')
    .flatMap((field) => field.slice(11).split(','))
    .map((option) => option.trim().toLowerCase());
  return head.fields.filter((field) => !HOP_BY_HOP.includes(nameOf(field)) && !named.includes(nameOf(field)));
}

function content(head: CorpusHead): { framing: Framing; bytes: string; body: string } {
  const value = (name: string) =>
    head.fields
      .find((field) => nameOf(field) === name)
      ?.slice(name.length + 1)
      .trim();
  if (value('transfer-encoding') !== undefined) return { framing: 'chunked', bytes: CHUNKS, body: 'hello' };
  const length = value('content-length');
  if (length === undefined) return { framing: 'none', bytes: '', body: '' };
  const body = 'x'.repeat(Number(length));
  return { framing: 'length', bytes: body, body };
}

const headOf = (head: CorpusHead) => `${[head.start, ...head.fields].join('\r\n')}\r\n\r\n`;

function fromRequest(head: CorpusHead): Case {
  const { framing, bytes, body } = content(head);
  const start = head.start.replace('http://a.app.test', '').replace('HTTP/1.0', 'HTTP/1.1');
  const bodiless = head.start.startsWith('HEAD ');
  return {
    name: head.title,
    send: headOf(head) + bytes,
    upstream: `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${bodiless ? '' : 'ok'}`,
    expectUpstream: { start, fields: passing(head), framing, body },
    expectClient: {
      start: 'HTTP/1.1 200 OK',
      fields: ['Content-Length: 2'],
      framing: bodiless ? 'none' : 'length',
      body: bodiless ? '' : 'ok',
    },
  };
}

function fromResponse(head: CorpusHead): Case {
  const found = content(head);
  const bodiless = /^HTTP\/1\.\d (204|304) /.test(head.start);
  const delimited = bodiless || found.framing !== 'none';
  const { framing, bytes, body } = delimited
    ? found
    : { framing: ['chunked', 'close'] as const, bytes: 'to the end', body: 'to the end' };
  return {
    name: head.title,
    send: `GET /x HTTP/1.1\r\n${HOST}\r\n`,
    upstream: headOf(head) + bytes,
    upstreamEnds: !delimited,
    expectUpstream: { start: 'GET /x HTTP/1.1', fields: ['Host: a.app.test'], framing: 'none' },
    expectClient: {
      start: head.start.replace('HTTP/1.0', 'HTTP/1.1'),
      fields: passing(head),
      framing,
      body,
    },
  };
}

conforms(
  test,
  bench,
  [...corpus('requests').map(fromRequest), ...corpus('responses').map(fromResponse)],
  true,
);
