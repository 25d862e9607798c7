import test from 'ava';
import { type Case, conforms, type ExpectedMessage } from '../../../helpers/conformance.js';
import type { Framing } from '../../../helpers/http-wire.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';

// Every framing of a request with every framing of a response, for every kind of client and app.

const bench = proxyBench(test);

interface Part {
  readonly name: string;
  /** Field lines with their line ends. */
  readonly lines: string;
  readonly bytes: string;
  readonly framing: Framing;
  readonly body?: string;
  readonly trailers?: readonly string[];
}

const TRAILED = '5\r\nhello\r\n0\r\nX-Sum: abc\r\nX-Two: 2\r\n\r\n';
const requests: (Part & { readonly method: string })[] = [
  { method: 'GET', name: 'GET', lines: '', bytes: '', framing: 'none' },
  { method: 'HEAD', name: 'HEAD', lines: '', bytes: '', framing: 'none' },
  {
    method: 'POST',
    name: 'POST with a length',
    lines: 'Content-Length: 5\r\n',
    bytes: 'hello',
    framing: 'length',
    body: 'hello',
  },
  {
    method: 'PUT',
    name: 'PUT with a length of zero',
    lines: 'Content-Length: 0\r\n',
    bytes: '',
    framing: 'length',
  },
  {
    method: 'GET',
    name: 'GET with a length',
    lines: 'Content-Length: 5\r\n',
    bytes: 'hello',
    framing: 'length',
    body: 'hello',
  },
  {
    method: 'POST',
    name: 'POST in chunks',
    lines: 'Transfer-Encoding: chunked\r\n',
    bytes: '3\r\nhel\r\n0002\r\nlo\r\n0\r\n\r\n',
    framing: 'chunked',
    body: 'hello',
  },
  {
    method: 'POST',
    name: 'POST in no chunks',
    lines: 'Transfer-Encoding: chunked\r\n',
    bytes: '0\r\n\r\n',
    framing: 'chunked',
  },
  {
    method: 'PATCH',
    name: 'PATCH in chunks with trailers',
    lines: 'Transfer-Encoding: chunked\r\n',
    bytes: TRAILED,
    framing: 'chunked',
    body: 'hello',
    trailers: ['X-Sum: abc', 'X-Two: 2'],
  },
  {
    method: 'DELETE',
    name: 'DELETE in chunks',
    lines: 'Transfer-Encoding: Chunked\r\n',
    bytes: 'A;x=y\r\n0123456789\r\n0\r\n\r\n',
    framing: 'chunked',
    body: '0123456789',
  },
];

const responses: (Part & { readonly status: string })[] = [
  {
    status: '200 OK',
    name: 'a length',
    lines: 'Content-Length: 6\r\n',
    bytes: 'answer',
    framing: 'length',
    body: 'answer',
  },
  {
    status: '201 Made',
    name: 'a length of zero',
    lines: 'Content-Length: 0\r\n',
    bytes: '',
    framing: 'length',
  },
  {
    status: '404 Nowhere',
    name: 'chunks',
    lines: 'Transfer-Encoding: chunked\r\n',
    bytes: '2\r\nan\r\n00000004\r\nswer\r\n0\r\n\r\n',
    framing: 'chunked',
    body: 'answer',
  },
  {
    status: '200 OK',
    name: 'no chunks',
    lines: 'Transfer-Encoding: chunked\r\n',
    bytes: '0\r\n\r\n',
    framing: 'chunked',
  },
  {
    status: '500 Oh no',
    name: 'chunks with trailers',
    lines: 'Transfer-Encoding: chunked\r\n',
    bytes: TRAILED,
    framing: 'chunked',
    body: 'hello',
    trailers: ['X-Sum: abc', 'X-Two: 2'],
  },
  { status: '200 OK', name: 'an end', lines: '', bytes: 'answer', framing: 'close', body: 'answer' },
  { status: '200 OK', name: 'an end at once', lines: '', bytes: '', framing: 'close' },
  { status: '204 No Content', name: '204', lines: '', bytes: '', framing: 'none' },
  { status: '304 Not Modified', name: '304', lines: 'ETag: "x"\r\n', bytes: '', framing: 'none' },
  {
    status: '304 Not Modified',
    name: '304 with a length',
    lines: 'Content-Length: 1234\r\n',
    bytes: '',
    framing: 'none',
  },
];

const clients = [
  { name: 'HTTP/1.1', version: '1.1', lines: '', kept: true },
  { name: 'HTTP/1.1 that closes', version: '1.1', lines: 'Connection: close\r\n', kept: false },
  { name: 'HTTP/1.0', version: '1.0', lines: '', kept: false },
  // An old client may be kept or not; what it may not see is chunks.
  { name: 'HTTP/1.0 that is kept', version: '1.0', lines: 'Connection: keep-alive\r\n', kept: undefined },
];

const apps = [
  { name: 'HTTP/1.1', version: '1.1', lines: '', ends: false },
  { name: 'HTTP/1.1 that closes', version: '1.1', lines: 'Connection: close\r\n', ends: true },
  { name: 'HTTP/1.0', version: '1.0', lines: '', ends: true },
  { name: 'HTTP/1.0 that is kept', version: '1.0', lines: 'Connection: keep-alive\r\n', ends: false },
];

type Client = (typeof clients)[number];
type App = (typeof apps)[number];
type Request = (typeof requests)[number];
type Response = (typeof responses)[number];

function expectClient(request: Request, response: Response, client: Client): Case['expectClient'] {
  const head: Pick<ExpectedMessage, 'start' | 'fields'> = {
    start: `HTTP/1.1 ${response.status}`,
    fields: ['Server: x', ...fieldsOf(response)],
  };
  const { body, trailers, framing } = response;
  if (request.method === 'HEAD' || framing === 'none') return { ...head, framing: 'none', kept: client.kept };
  const content = {
    ...(body === undefined ? {} : { body }),
    ...(trailers === undefined ? {} : { trailers }),
  };
  if (framing === 'length') return { ...head, ...content, framing, kept: client.kept };
  if (client.version === '1.0') return { ...head, ...content, framing: 'close', kept: false };
  if (framing === 'chunked') return { ...head, ...content, framing, kept: client.kept };
  // Chunks keep the connection, an end is the app's own way: both are right.
  return {
    ...head,
    ...content,
    framing: ['chunked', 'close'],
    kept: client.kept ? undefined : false,
  };
}

function fieldsOf(part: Part): string[] {
  return part.lines.split('\r\n').filter((line) => line !== '' && !line.startsWith('Transfer-Encoding'));
}

function build(request: Request, response: Response, client: Client, app: App): Case[] {
  if (client.version === '1.0' && request.framing === 'chunked') return [];
  if (app.version === '1.0' && response.framing === 'chunked') return [];
  const ends = app.ends || response.framing === 'close';
  // What HEAD is not given has to end all the same.
  const bytes = request.method === 'HEAD' ? '' : response.bytes;
  const { body, trailers, framing } = request;
  return [
    {
      name: `${request.name} of ${client.name}, answered by ${response.name} of ${app.name}`,
      send: `${request.method} /a/b?c=d HTTP/${client.version}\r\n${HOST}X-One: 1\r\n${client.lines}${request.lines}\r\n${request.bytes}`,
      upstream: `HTTP/${app.version} ${response.status}\r\nServer: x\r\n${app.lines}${response.lines}\r\n${bytes}`,
      upstreamEnds: ends,
      expectUpstream: {
        start: `${request.method} /a/b?c=d HTTP/1.1`,
        fields: ['Host: a.app.test', 'X-One: 1', ...fieldsOf(request)],
        framing,
        ...(body === undefined ? {} : { body }),
        ...(trailers === undefined ? {} : { trailers }),
      },
      expectClient: expectClient(request, response, client),
    },
  ];
}

const cases = requests.flatMap((request) =>
  responses.flatMap((response) =>
    clients.flatMap((client) => apps.flatMap((app) => build(request, response, client, app))),
  ),
);
// Each pair of framings and each pair of peers, in turns: all together would repeat the same few paths a thousand times.
conforms(
  test,
  bench,
  cases.filter((_one, index) => index % 3 === 0),
);
