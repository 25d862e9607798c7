import test from 'ava';
import type { AttackId } from '../../../isolation/attacks/catalog.js';
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
/** With its root built by a shell, as on machines without perl. */
const withoutPerl = (on: Host): Host => ({ ...on, tools: { ...on.tools, perl: undefined } });
const builtByShell = (on: Host) => on.tools.perl === undefined && { cannotForward: true };
/** There is no filter of system calls without it. */
const openIn = (on: Host): readonly AttackId[] =>
  on.tools.perl === undefined ? ['keyring', 'userfaultfd', 'ptrace'] : [];
const support = createBackends(host).get('namespace')?.probe(host);

if (!support?.supported) {
  skipped(test, 'namespace', support?.reason ?? 'no such backend');
} else if (host.root) {
  for (const [name, on] of Object.entries({
    'without cgroup': without,
    'in cgroups of version 1': legacy,
    'in a cgroup': host,
    'by a shell': withoutPerl(host),
  })) {
    const backend = select(createBackends(on), 'namespace', on);
    const variant = {
      name,
      backend,
      host: on,
      findsEverything: true,
      networks: ['host', 'none'] as const,
      endsTogether: true,
      ...builtByShell(on),
      newIdentity: () => newUser(true),
    };
    conformance(test, variant);
    limits(test, variant);
    for (const network of ['host', 'none'] as const) attacks(test, { ...variant, network, open: openIn(on) });
  }
} else {
  for (const [name, on] of Object.entries({
    'as a normal user': host,
    'as a normal user, by a shell': withoutPerl(host),
  })) {
    const backend = select(createBackends(on), 'namespace', on);
    const variant = {
      name,
      backend,
      host: on,
      findsEverything: true,
      networks: ['host', 'none'] as const,
      endsTogether: true,
      ...builtByShell(on),
      rootInside: true,
    };
    conformance(test, variant);
    limits(test, variant);
    for (const network of ['host', 'none'] as const) attacks(test, { ...variant, network, open: openIn(on) });
  }
}
