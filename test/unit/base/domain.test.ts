import test from 'ava';
import { parseDomain } from '../../../src/base/domain.js';
import { TenementError } from '../../../src/base/errors.js';

for (const [text, domain] of [
  ['localhost', 'localhost'],
  ['example.com', 'example.com'],
  ['EXAMPLE.com.', 'example.com'],
  ['apps.my-site.example', 'apps.my-site.example'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['a_b.example', 'a_b.example'],
  ['3com.example', '3com.example'],
  [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
] as const) {
  test(`a domain: ${text}`, (t) => t.is(parseDomain(text), domain));
}

for (const [text, hint] of [
  ['', /example\.com/],
  ['.', /example\.com/],
  ['bad domain', /example\.com/],
  [' example.com', /example\.com/],
  ['-x', /example\.com/],
  ['x-', /example\.com/],
  ['a..b', /example\.com/],
  ['.example.com', /example\.com/],
  ['example.com..', /example\.com/],
  ['*.example.com', /example\.com/],
  [`${'a'.repeat(64)}.example`, /example\.com/],
  [`${'a.'.repeat(127)}example`, /example\.com/],
  ['http://x', /-d x$/],
  ['https://apps.example/path?q', /-d apps\.example$/],
  ['apps.example/', /-d apps\.example$/],
  ['apps.example:8080', /-d apps\.example -p 8080$/],
  ['bücher.example', /-d xn--bcher-kva\.example$/],
  ['192.0.2.1', /IP address/],
  ['192.0.2.1:8080', /IP address/],
  ['http://192.0.2.1/', /IP address/],
  ['[::1]', /IP address/],
  ['[::1]:8080', /IP address/],
  ['::1', /IP address/],
  ['127.1', /IP address/],
  ['0x7f.0.0.1', /IP address/],
  ['a\nb', /example\.com/],
] as const) {
  test(`no domain: ${JSON.stringify(text)}`, (t) => {
    const error = t.throws(() => parseDomain(text), { instanceOf: TenementError, code: 'usage' });
    t.regex(error?.hint ?? '', hint);
  });
}
