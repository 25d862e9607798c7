import test from 'ava';
import { type RoutingTable, route } from '../../../src/proxy/router.js';

const table: RoutingTable = {
  domain: 'example.com',
  services: new Map([
    ['notes', { balance: false }],
    ['web', { balance: true }],
    ['site', { balance: false }],
    ['shop-service', { balance: false }],
    ['deep', { balance: false }],
    ['admin-service', { balance: false }],
    ['my_app', { balance: false }],
  ]),
  default: 'site',
  tenants: 'notes',
  subdomain: new Map([
    ['admin', 'admin-service'],
    ['site', 'site'],
  ]),
  path: [
    ['/shop', 'shop-service'],
    ['/shop/deep', 'deep'],
  ],
};

interface Ask {
  path?: string;
  loopback?: boolean;
  version?: string;
  table?: Partial<RoutingTable>;
}

/** 'notes:alice', 'service:web', 'own' or an error code. */
function to(host: string | string[] | undefined, ask: Ask = {}): string {
  const hosts = host === undefined ? [] : [host].flat();
  const routed = route(
    {
      hosts,
      target: ask.path ?? '/',
      minor: ask.version === '1.0' ? 0 : 1,
      peerIsLoopback: ask.loopback ?? false,
    },
    { ...table, ...ask.table },
  );
  if (routed.kind === 'error') return routed.code;
  if (routed.kind === 'own') return 'own';
  const { target } = routed;
  return target.kind === 'instance' ? `${target.service}:${target.id}` : `service:${target.service}`;
}

const cases: [title: string, host: string | string[] | undefined, expected: string, ask?: Ask][] = [
  ['an instance', 'alice.notes.example.com', 'notes:alice'],
  ['capitals', 'ALICE.Notes.EXAMPLE.com', 'notes:alice'],
  ['a port', 'alice.notes.example.com:8080', 'notes:alice'],
  ['an empty port', 'alice.notes.example.com:', 'notes:alice'],
  ['a trailing dot', 'alice.notes.example.com.', 'notes:alice'],
  ['a trailing dot and a port', 'alice.notes.example.com.:80', 'notes:alice'],
  ['underscores', 'a_b.my_app.example.com', 'my_app:a_b'],
  ['a tenant', 'alice.example.com', 'notes:alice'],
  ['a service with balance', 'web.example.com', 'service:web'],
  ['an instance of it', 'v1.web.example.com', 'web:v1'],
  ['a service without balance, which no tenant can shadow', 'notes.example.com', 'no_balance'],
  ['a subdomain', 'admin.example.com', 'service:admin-service'],
  ['a subdomain that names its own service', 'site.example.com', 'service:site'],
  ['an unknown service', 'alice.nope.example.com', 'unknown_host'],
  [
    'an unknown label without tenants',
    'alice.example.com',
    'unknown_host',
    { table: { tenants: undefined } },
  ],
  ['too many labels', 'a.alice.notes.example.com', 'unknown_host'],
  ['a label that is no id', '-a.notes.example.com', 'unknown_host'],
  ['a label of 64 characters', `${'a'.repeat(64)}.notes.example.com`, 'unknown_host'],
  ['a label of 63 characters', `${'a'.repeat(63)}.notes.example.com`, `notes:${'a'.repeat(63)}`],
  ['another domain', 'alice.notes.example.org', 'unknown_host'],
  ['a domain that only ends alike', 'evilexample.com', 'unknown_host'],
  ['names of Object', '__proto__.example.com', 'unknown_host'],
  ['names of Object as a service', 'a.constructor.example.com', 'unknown_host'],
  ['the domain', 'example.com', 'service:site'],
  ['a path', 'example.com', 'service:shop-service', { path: '/shop/x?y' }],
  ['a path itself', 'example.com', 'service:shop-service', { path: '/shop?y' }],
  ['the longest path', 'example.com', 'service:deep', { path: '/shop/deep/x' }],
  ['no path off a segment boundary', 'example.com', 'service:site', { path: '/shopping' }],
  ['a longer name than the longest path', 'example.com', 'service:shop-service', { path: '/shop/deeper' }],
  ['no path of the domain on an instance', 'alice.notes.example.com', 'notes:alice', { path: '/shop/x' }],
  ['our health', 'example.com', 'own', { path: '/health' }],
  ['our metrics', 'example.com', 'own', { path: '/metrics?x' }],
  ['our API', 'example.com', 'own', { path: '/api/instances' }],
  ['our assets', 'example.com', 'own', { path: '/assets/a.css' }],
  ['what only begins like ours', 'example.com', 'service:site', { path: '/apiary' }],
  ['below health', 'example.com', 'service:site', { path: '/health/x' }],
  ['the API path on an instance', 'alice.notes.example.com', 'notes:alice', { path: '/api/instances' }],
  ['the dashboard', 'example.com', 'own', { table: { default: undefined } }],
  ['localhost from this machine', 'localhost:8080', 'service:site', { loopback: true }],
  ['localhost from elsewhere', 'localhost:8080', 'unknown_host'],
  ['an address from this machine', '127.0.0.1:8080', 'own', { loopback: true, path: '/api/x' }],
  ['an IPv6 address from this machine', '[::1]:8080', 'own', { loopback: true, path: '/health' }],
  ['an address from elsewhere', '192.0.2.1', 'unknown_host', { path: '/api/x' }],
  ['an IPv6 address from elsewhere', '[2001:db8::1]', 'unknown_host'],
  ['an instance below localhost', 'a.notes.localhost', 'notes:a', { table: { domain: 'localhost' } }],
  ['admin_host', 'ops.example.com', 'own', { table: { adminHost: 'ops.example.com' } }],
  [
    'our API beside admin_host',
    'example.com',
    'service:site',
    { path: '/api/x', table: { adminHost: 'ops.example.com' } },
  ],
  [
    'nothing but admin_host',
    'example.com',
    'unknown_host',
    { table: { adminHost: 'ops.test', default: undefined } },
  ],
  [
    'admin_host that is the domain',
    'example.com',
    'own',
    { path: '/api/x', table: { adminHost: 'example.com' } },
  ],
  ['a default service that is gone', 'example.com', 'unknown_host', { table: { default: 'gone' } }],
  ['two Hosts', ['alice.notes.example.com', 'alice.notes.example.com'], 'bad_request'],
  ['two different Hosts', ['alice.notes.example.com', 'bob.notes.example.com'], 'bad_request'],
  ['no Host', undefined, 'bad_request'],
  ['an empty Host', '', 'bad_request'],
  ['no Host in HTTP/1.0', undefined, 'unknown_host', { version: '1.0' }],
  [
    'no Host in HTTP/1.0 from this machine',
    undefined,
    'own',
    { version: '1.0', loopback: true, path: '/health' },
  ],
  ['300 characters', `${'a'.repeat(288)}.example.com`, 'bad_request'],
  ['a space', 'alice notes.example.com', 'bad_request'],
  ['a slash', 'alice.notes.example.com/x', 'bad_request'],
  ['user information', 'x@alice.notes.example.com', 'bad_request'],
  ['a list', 'alice.notes.example.com,bob.notes.example.com', 'bad_request'],
  ['percent encoding', '%61lice.notes.example.com', 'bad_request'],
  ['a high byte', 'alic\u00e9.notes.example.com', 'bad_request'],
  ['a NUL', 'alice\u0000.notes.example.com', 'bad_request'],
  ['an empty label', 'alice..example.com', 'bad_request'],
  ['a leading dot', '.example.com', 'bad_request'],
  ['two trailing dots', 'alice.notes.example.com..', 'bad_request'],
  ['a bad port', 'alice.notes.example.com:8x', 'bad_request'],
  ['two ports', 'alice.notes.example.com:80:80', 'bad_request'],
  ['half a bracket', '[::1', 'bad_request'],
  ['no address in brackets', '[alice]', 'bad_request'],
  [
    'an absolute target that agrees',
    'alice.notes.example.com',
    'notes:alice',
    { path: 'http://ALICE.notes.example.com:80/x' },
  ],
  [
    'an absolute target that disagrees',
    'alice.notes.example.com',
    'bad_request',
    { path: 'http://bob.notes.example.com/' },
  ],
  [
    'an absolute target with another port',
    'alice.notes.example.com',
    'bad_request',
    { path: 'http://alice.notes.example.com:81/' },
  ],
  [
    'an absolute target of another scheme',
    'alice.notes.example.com',
    'bad_request',
    { path: 'ftp://alice.notes.example.com/' },
  ],
  ['a target that is no path', 'alice.notes.example.com', 'bad_request', { path: 'x' }],
  ['the asterisk', 'alice.notes.example.com', 'notes:alice', { path: '*' }],
];

for (const [title, host, expected, ask] of cases) {
  test(`${title} -> ${expected}`, (t) => t.is(to(host, ask), expected));
}

test('an absolute target reaches the app as a path', (t) => {
  const paths = [
    'http://a.web.example.com',
    'http://a.web.example.com?x',
    'http://a.web.example.com/y?z',
  ].map((target) => {
    const routed = route({ hosts: ['a.web.example.com'], target, minor: 1, peerIsLoopback: false }, table);
    return routed.kind === 'error' ? routed.code : routed.path;
  });
  t.deepEqual(paths, ['/', '/?x', '/y?z']);
});

test('10,000 unknown labels are 10,000 times unknown', (t) => {
  const answers = new Set<string>();
  for (let i = 0; i < 10_000; i += 1) answers.add(to(`l${i}.nope${i}.example.com`));
  t.deepEqual([...answers], ['unknown_host']);
});
