import test from 'ava';
import { resolveAuto } from '../../../src/config/resolve-auto.js';
import type { Config } from '../../../src/config/schema.js';
import { serviceSchema } from '../../../src/config/service.js';

const config = (services: Record<string, object>): Config =>
  ({
    path: '/x/tenement.toml',
    service: Object.fromEntries(
      Object.entries(services).map(([name, keys]) => [name, serviceSchema.parse({ command: 'x', ...keys })]),
    ),
  }) as unknown as Config;

test('only auto is resolved, with the network of the service', (t) => {
  const before = config({
    a: { isolation: 'auto', network: 'none' },
    b: { isolation: 'process' },
    c: {},
  });
  const { config: after, choices } = resolveAuto(before, {
    strongest: ({ network }) => (network === 'none' ? 'sandbox' : 'process'),
    root: true,
  });
  t.deepEqual(choices, [{ service: 'a', isolation: 'sandbox' }]);
  t.is(after.service.a?.isolation, 'sandbox');
  t.is(after.service.a?.user, '');
  t.is(after.service.b, before.service.b);
  t.is(after.service.c, before.service.c);
  t.is(before.service.a?.isolation, 'auto', 'the config as written stays as it is');
});

test('as root, the last resort is a process with a user of its own and never root', (t) => {
  const resolve = (keys: object, root: boolean) =>
    resolveAuto(config({ a: { isolation: 'auto', ...keys } }), { strongest: () => 'process', root }).config
      .service.a;
  t.like(resolve({}, true), { isolation: 'process', user: 'auto' });
  t.like(resolve({ user: 'www-data' }, true), { isolation: 'process', user: 'www-data' });
  t.like(resolve({}, false), { isolation: 'process', user: '' });
});
