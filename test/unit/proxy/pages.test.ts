import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { pageFor, rawPage, renderPage } from '../../../src/proxy/pages.js';

const secret = new TenementError('start_failed', '/srv/secret/app.py: exited with 1', {
  hint: 'look at /srv/secret',
  details: { path: '/srv/secret' },
  cause: new Error('/srv/secret'),
});

test('a page shows the code and the request id, never the cause', (t) => {
  for (const accept of ['text/html,*/*', 'application/json', undefined]) {
    const { status, body, headers } = pageFor(secret, 'id42', accept);
    t.is(status, 502);
    t.true(body.includes('start_failed') && body.includes('id42'));
    t.false(JSON.stringify([body, headers]).includes('secret'));
    t.is(headers[headers.indexOf('tenement-error') + 1], 'start_failed');
    t.is(headers[headers.indexOf('Cache-Control') + 1], 'no-store');
  }
});

test('the form follows Accept', (t) => {
  const type = (accept: string | undefined) => pageFor(secret, 'i', accept).headers[1];
  t.is(type('text/html,application/xhtml+xml,*/*;q=0.8'), 'text/html; charset=utf-8');
  t.is(type('application/json, text/plain'), 'application/json');
  t.is(type('application/problem+json'), 'application/json');
  t.is(type('*/*'), 'text/plain; charset=utf-8');
  t.is(JSON.parse(pageFor(secret, 'i', 'application/json').body).error.code, 'start_failed');
});

test('503 has Retry-After, in whole seconds', (t) => {
  const after = (retryAfterSecs?: number) => {
    const { headers } = renderPage({ code: 'backoff', requestId: 'i', accept: undefined, retryAfterSecs });
    return headers[headers.indexOf('Retry-After') + 1];
  };
  t.deepEqual([after(2.2), after(0), after()], ['3', '1', '5']);
  t.false(pageFor(secret, 'i', undefined).headers.includes('Retry-After'));
});

// Attack: a request id that came through a trusted proxy carries markup.
test('a request id is escaped', (t) => {
  t.false(pageFor(secret, '<script>', 'text/html').body.includes('<script>'));
});

test('the operator is told about balance', (t) => {
  t.regex(renderPage({ code: 'no_balance', requestId: 'i', accept: 'text/html' }).body, /balance = true/);
});

test('the raw form is one whole answer', (t) => {
  const page = renderPage({ code: 'bad_request', requestId: 'i', accept: undefined });
  const [head = '', body = ''] = String(
    rawPage(page, { bodiless: false, close: true, keepAlive: false }),
  ).split('\r\n\r\n');
  t.regex(head, /^HTTP\/1\.1 400 Bad request\r\n/);
  t.regex(head, /\r\nConnection: close$/);
  t.is(Number(/Content-Length: (\d+)/.exec(head)?.[1]), Buffer.byteLength(body));
  const bodiless = String(rawPage(page, { bodiless: true, close: false, keepAlive: true }));
  t.regex(bodiless, /\r\nConnection: keep-alive\r\n\r\n$/);
});
