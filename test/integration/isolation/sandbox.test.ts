import test from 'ava';
import {
  type Backend,
  closeInheritedFds,
  createBackends,
  type Host,
  probeHost,
  select,
  strongest,
} from '../../../isolation/index.js';
import { TenementError } from '../../../src/base/errors.js';
import { attacks } from './attacks.js';
import { Bench } from './bench.js';
import { conformance } from './conformance.js';
import { limits } from './limits.js';
import { newUser, skipped } from './variants.js';

closeInheritedFds();
const host = await probeHost();
const { legacyCgroups, ...modern } = host;
const without: Host = { ...modern, cgroupRoot: undefined };
const legacy: Host = { ...without, ...(legacyCgroups && { legacyCgroups }) };
const support = createBackends(host).get('sandbox')?.probe(host);

if (!support?.supported) {
  skipped(test, 'sandbox', support?.reason ?? 'no such backend', 'bwrap');
} else if (host.root) {
  for (const [name, on] of Object.entries({
    'without cgroup': without,
    'in cgroups of version 1': legacy,
    'in a cgroup': host,
  })) {
    const backend = select(createBackends(on), 'sandbox', on);
    const variant = {
      name,
      backend,
      host: on,
      findsEverything: true,
      networks: ['host', 'none'] as const,
      endsTogether: false,
      newIdentity: () => newUser(true),
    };
    conformance(test, variant);
    limits(test, variant);
    for (const network of ['host', 'none'] as const) attacks(test, { ...variant, network, open: [] });
  }
} else {
  const backend = select(createBackends(host), 'sandbox', host);
  const variant = {
    name: 'as a normal user',
    backend,
    host,
    findsEverything: true,
    networks: ['host', 'none'] as const,
    endsTogether: false,
  };
  conformance(test, variant);
  limits(test, variant);
  for (const network of ['host', 'none'] as const) attacks(test, { ...variant, network, open: [] });
}

const nsjail = host.tools.nsjail;
if (nsjail === undefined) {
  skipped(test, 'nsjail', 'nsjail was not found (Debian does not package it)');
} else {
  const sandbox = select(createBackends(host), 'sandbox', host);
  const backend: Backend = {
    ...sandbox,
    spawn: (spec, signal) => sandbox.spawn({ ...spec, sandbox: 'nsjail' }, signal),
  };
  const variant = {
    name: 'in nsjail',
    backend,
    host,
    findsEverything: true,
    networks: ['host', 'none'] as const,
    endsTogether: true,
    ...(host.root && { newIdentity: () => newUser(true) }),
  };
  conformance(test, variant);
  limits(test, variant);
  for (const network of ['host', 'none'] as const) attacks(test, { ...variant, network, open: [] });
}

test('nsjail is never taken for who has not asked for it by name', async (t) => {
  const tools = { ...host.tools, nsjail: '/bin/true', perl: host.tools.perl ?? '/usr/bin/perl' };
  const only: Host = { ...host, tools, bubblewrap: { works: false, reason: 'bwrap is broken' } };
  const backends = createBackends(only);
  t.throws(() => select(backends, 'sandbox', only), { message: /bwrap/ });
  t.not(strongest(backends, only, { network: 'host', listen: 'port' }), 'sandbox');
  const bench = new Bench(t, host.root ? newUser(true) : undefined);
  const start = backends.get('sandbox')?.spawn(bench.spec(['/bin/true']), new AbortController().signal);
  await t.throwsAsync(start ?? Promise.resolve(), { message: /bwrap/ });
  t.is(select(backends, 'sandbox', only, 'nsjail').id, 'sandbox');
  const asked = { network: 'host', listen: 'port', sandbox: 'nsjail' } as const;
  const noUnits = new Map([...backends].filter(([id]) => id !== 'systemd'));
  t.is(strongest(noUnits, only, asked), 'sandbox');
});

test('a tool that is not there is an error that names it, and never the other one', async (t) => {
  const { nsjail: _n, bwrap: _b, ...tools } = host.tools;
  const neither: Host = { ...host, tools, bubblewrap: { works: false, reason: 'bwrap was not found' } };
  const backend = createBackends(neither).get('sandbox');
  if (backend === undefined) return void t.fail();
  t.false(backend.probe(neither).supported);
  const bench = new Bench(t, host.root ? newUser(true) : undefined);
  for (const [sandbox, tool] of [
    ['nsjail', 'nsjail'],
    ['bubblewrap', 'bwrap'],
  ] as const) {
    const spec = { ...bench.spec(['/bin/true']), sandbox };
    const error = await t.throwsAsync(backend.spawn(spec, new AbortController().signal), {
      instanceOf: TenementError,
    });
    t.is(error?.code, 'isolation_unavailable');
    t.regex(error?.message ?? '', new RegExp(`${tool} was not found`));
  }
});
