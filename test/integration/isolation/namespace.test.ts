import test from 'ava';
import { closeInheritedFds, createBackends, type Host, probeHost, select } from '../../../isolation/index.js';
import { conformance } from './conformance.js';
import { newUser, skipped } from './variants.js';

closeInheritedFds();
const host = await probeHost();
const without: Host = { ...host, cgroupRoot: undefined };
const support = createBackends(host).get('namespace')?.probe(host);

if (!support?.supported) {
  skipped(test, 'namespace', support?.reason ?? 'no such backend');
} else if (host.root) {
  for (const [name, on] of Object.entries({ 'without cgroup': without, 'in a cgroup': host })) {
    const backend = select(createBackends(on), 'namespace', on);
    const variant = {
      name,
      backend,
      host: on,
      findsEverything: true,
      ownPids: true,
      newIdentity: () => newUser(true),
    };
    conformance(test, variant);
  }
} else {
  conformance(test, {
    name: 'as a normal user',
    backend: select(createBackends(host), 'namespace', host),
    host,
    findsEverything: true,
    ownPids: true,
  });
}
