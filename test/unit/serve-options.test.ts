import test from 'ava';
import type { Config } from '../../src/config/schema.js';
import type { ListenSpec } from '../../src/proxy/plane/protocol.js';
import { listenAddresses, publicDomain, type ServeOptions } from '../../src/serve-options.js';

const config = (listen?: string[]): Config => ({ settings: { listen } }) as unknown as Config;
const local: ServeOptions = { domain: 'localhost' };

const cases: [string, ServeOptions, string[] | undefined, boolean, string[]][] = [
  ['nothing said: loopback, 8080', local, undefined, true, ['127.0.0.1 8080', '::1 8080']],
  ['without IPv6', local, undefined, false, ['127.0.0.1 8080']],
  ['a real domain: all addresses', { domain: 'example.com' }, undefined, true, ['0.0.0.0 8080', ':: 8080']],
  ['--port', { ...local, port: 9000 }, undefined, false, ['127.0.0.1 9000']],
  ['settings.listen', local, ['127.0.0.1:81', '[::1]:82'], true, ['127.0.0.1 81', '::1 82']],
  ['a Unix socket', local, ['unix:/run/x.sock', '127.0.0.1:81'], true, ['unix:/run/x.sock', '127.0.0.1 81']],
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
    const addresses = listenAddresses(options, config(listen), { hasIpv6: ipv6, sockets: [] });
    t.deepEqual(addresses.map(text), expected);
  });
}

function text(address: ListenSpec): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return address.kind === 'fd' ? `fd ${address.fd} ${address.name}` : `${address.host} ${address.port}`;
}

test('listens on: what systemd has opened, before anything else', (t) => {
  const sockets = [
    { fd: 3, name: 'http' },
    { fd: 4, name: 'unknown' },
  ];
  const addresses = listenAddresses({ ...local, port: 9 }, config(['127.0.0.1:81']), {
    hasIpv6: true,
    sockets,
  });
  t.deepEqual(addresses.map(text), ['fd 3 http', 'fd 4 unknown']);
});

test('the port is part of the public domain unless it is the usual one', (t) => {
  const tcp = (port: number): ListenSpec => ({ kind: 'tcp', host: '::', port });
  const unix: ListenSpec = { kind: 'unix', path: '/run/x.sock' };
  t.is(publicDomain('localhost', [tcp(8080)]), 'localhost:8080');
  t.is(publicDomain('example.com', [tcp(80), tcp(8080)]), 'example.com');
  t.is(publicDomain('example.com', [unix]), 'example.com');
  t.is(publicDomain('example.com', [unix, tcp(8080)]), 'example.com:8080');
});
