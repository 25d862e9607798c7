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
