/** What a hostile tenant reaches: run inside a real instance, beside a real sibling and a server's own files and sockets. */
import type { SerialFn } from 'ava';
import type { AttackId } from '../../../isolation/attacks/catalog.js';
import { measure } from '../../../isolation/attacks/measure.js';
import { promised, wayOf } from '../../../isolation/attacks/ways.js';
import type { Backend, Host, Identity, Network } from '../../../isolation/contract.js';
import { patience } from '../../helpers/patience.js';

export interface AttackVariant {
  readonly name: string;
  readonly backend: Backend;
  readonly host: Host;
  readonly newIdentity?: () => Identity;
  readonly network: Network;
  /** Attacks that this way of isolating does not stop; all others must fail. */
  readonly open: readonly AttackId[];
}

const PORTS: readonly AttackId[] = ['sibling-port', 'sibling-udp', 'management-port'];

export function attacks(test: SerialFn, variant: AttackVariant): void {
  const { backend, host, network, newIdentity } = variant;
  test(`${variant.name}, network ${network}: what a hostile tenant reaches`, async (t) => {
    const way = wayOf(host, backend.id, network, newIdentity !== undefined);
    const outcomes = await measure({ way, backend, host, newIdentity, patienceMs: patience(120_000) });
    const ofNetwork: readonly AttackId[] =
      network === 'host' ? ['abstract-socket', ...(way.guarded ? [] : PORTS)] : [];
    const expected = [...variant.open, ...ofNetwork];
    const all = Object.entries(outcomes) as [AttackId, (typeof outcomes)[AttackId]][];
    const open = all.filter(([, { outcome }]) => outcome === 'open');
    t.deepEqual(
      open.filter(([id]) => !expected.includes(id)),
      [],
    );
    // What is promised can never be what is expected to be open.
    t.deepEqual(
      promised(way).filter((id) => expected.includes(id)),
      [],
    );
    const untried = all.filter(([, { outcome }]) => outcome === 'n/a').map(([id]) => id);
    t.log(
      `${all.length} attacks, open: ${open.map(([id]) => id).join(', ') || 'none'}; not tried: ${untried.join(', ') || 'none'}`,
    );
  });
}
