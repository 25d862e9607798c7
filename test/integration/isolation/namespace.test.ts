import { statfsSync } from 'node:fs';
import test from 'ava';
import { closeInheritedFds, createBackends, type Host, probeHost, select } from '../../../isolation/index.js';
import { until } from '../../helpers/until.js';
import { attacks } from './attacks.js';
import { Bench, start } from './bench.js';
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
    test(`${name}: empty files cannot take the kernel's memory without end`, async (t) => {
      const bench = new Bench(t, newUser(true));
      const { ref } = await start(t, backend, bench.spec(bench.app('never-listens')));
      await until('it runs', () => bench.stdout().includes('not listening'));
      for (const place of ['', '/tmp', '/var/tmp', '/dev/shm', '/run']) {
        const { files } = statfsSync(`/proc/${ref.pid}/root${place}`);
        t.true(files > 0 && files <= 102_400, `${place}: ${files}`);
      }
    });
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
