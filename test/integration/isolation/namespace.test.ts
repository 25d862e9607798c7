import test from 'ava';
import { closeInheritedFds, createBackends, type Host, probeHost, select } from '../../../isolation/index.js';
import { attacks } from './attacks.js';
import { conformance } from './conformance.js';
import { limits } from './limits.js';
import { newUser, skipped } from './variants.js';

closeInheritedFds();
const host = await probeHost();
const { legacyCgroups, ...modern } = host;
const without: Host = { ...modern, cgroupRoot: undefined };
const legacy: Host = { ...without, ...(legacyCgroups && { legacyCgroups }) };
const support = createBackends(host).get('namespace')?.probe(host);

if (!support?.supported) {
  skipped(test, 'namespace', support?.reason ?? 'no such backend');
} else if (host.root) {
  for (const [name, on] of Object.entries({
    'without cgroup': without,
    'in cgroups of version 1': legacy,
    'in a cgroup': host,
  })) {
    const backend = select(createBackends(on), 'namespace', on);
    const variant = {
      name,
      backend,
      host: on,
      findsEverything: true,
      networks: ['host', 'none'] as const,
      endsTogether: true,
      newIdentity: () => newUser(true),
    };
    conformance(test, variant);
    limits(test, variant);
    for (const network of ['host', 'none'] as const) attacks(test, { ...variant, network, open: [] });
  }
} else {
  const backend = select(createBackends(host), 'namespace', host);
  const variant = {
    name: 'as a normal user',
    backend,
    host,
    findsEverything: true,
    networks: ['host', 'none'] as const,
    endsTogether: true,
    rootInside: true,
  };
  conformance(test, variant);
  limits(test, variant);
  for (const network of ['host', 'none'] as const) attacks(test, { ...variant, network, open: [] });
}
