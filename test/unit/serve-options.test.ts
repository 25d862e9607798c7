import test from 'ava';
import type { Config } from '../../src/config/schema.js';
import { listenAddresses, publicDomain, type ServeOptions } from '../../src/serve-options.js';

const config = (listen?: string[]): Config => ({ settings: { listen } }) as unknown as Config;
const local: ServeOptions = { domain: 'localhost' };

const cases: [string, ServeOptions, string[] | undefined, boolean, string[]][] = [
  ['nothing said: loopback, 8080', local, undefined, true, ['127.0.0.1 8080', '::1 8080']],
  ['without IPv6', local, undefined, false, ['127.0.0.1 8080']],
  ['a real domain: all addresses', { domain: 'example.com' }, undefined, true, ['0.0.0.0 8080', ':: 8080']],
  ['--port', { ...local, port: 9000 }, undefined, false, ['127.0.0.1 9000']],
  ['settings.listen', local, ['127.0.0.1:81', '[::1]:82'], true, ['127.0.0.1 81', '::1 82']],
  ['--port before settings.listen', { ...local, port: 9 }, ['127.0.0.1:81'], false, ['127.0.0.1 9']],
  [
    '--host before settings.listen',
    { ...local, host: '10.0.0.1' },
    ['127.0.0.1:81'],
    true,
    ['10.0.0.1 8080'],
  ],
];
for (const [title, options, listen, ipv6, expected] of cases) {
  test(`listens on: ${title}`, (t) => {
    const addresses = listenAddresses(options, config(listen), ipv6);
    t.deepEqual(
      addresses.map(({ host, port }) => `${host} ${port}`),
      expected,
    );
  });
}

test('the port is part of the public domain unless it is the usual one', (t) => {
  t.is(publicDomain('localhost', 8080), 'localhost:8080');
  t.is(publicDomain('example.com', 80), 'example.com');
});
