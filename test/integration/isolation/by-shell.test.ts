/** The backends as on machines without perl, where a shell and many programs do what the builder does. */
import test from 'ava';
import type { AttackId } from '../../../isolation/attacks/catalog.js';
import { closeInheritedFds, createBackends, type Host, probeHost, select } from '../../../isolation/index.js';
import { attacks } from './attacks.js';
import { conformance } from './conformance.js';
import { newUser, skipped } from './variants.js';

closeInheritedFds();
const probed = await probeHost();
const host: Host = { ...probed, tools: { ...probed.tools, perl: undefined } };
/** bubblewrap has a filter of system calls by itself. */
const OPEN: Record<'namespace' | 'sandbox', readonly AttackId[]> = {
  namespace: ['keyring', 'userfaultfd', 'ptrace'],
  sandbox: [],
};

for (const id of ['namespace', 'sandbox'] as const) {
  const support = createBackends(host).get(id)?.probe(host);
  if (!support?.supported) {
    skipped(test, id, support?.reason ?? 'no such backend');
    continue;
  }
  const variant = {
    name: id,
    backend: select(createBackends(host), id, host),
    host,
    findsEverything: true,
    networks: ['host', 'none'] as const,
    endsTogether: id === 'namespace',
    cannotForward: true,
    ...(host.root ? { newIdentity: () => newUser(true) } : { rootInside: id === 'namespace' }),
  };
  conformance(test, variant);
  attacks(test, { ...variant, network: 'none', open: OPEN[id] });
}
