/** Instances that systemd's sockets start: what every backend has to do, and nothing of what an attacker wants. */
import test from 'ava';
import type { Backend, InstanceName, Spec } from '../../isolation/contract.js';
import { select, socketPath } from '../../isolation/index.js';
import { attacks } from '../integration/isolation/attacks.js';
import { conformance } from '../integration/isolation/conformance.js';
import { unappliedLimits } from '../integration/isolation/limits.js';
import { backends, unitVariant } from './unit-variant.js';

const backend = select(backends, 'socket-activation', unitVariant.host);
const listening: InstanceName[] = [];
test.afterEach.always(async () => {
  for (const name of listening.splice(0)) await backend.sockets?.close(name, { graceMs: 0 });
});

/** The socket is for the instance and not for one run: this one makes it what the suite gives, and has it closed after the test. */
function standing(passOn: (spec: Spec) => Partial<Spec>): Backend {
  return {
    ...backend,
    async spawn(spec, signal) {
      const path = socketPath(spec);
      listening.push(spec);
      return await backend.spawn({ ...spec, address: { path }, ...passOn(spec) }, signal);
    },
  };
}

const taken = {
  ...unitVariant,
  name: 'socket-activation',
  givenSocket: socketPath,
  backend: standing(() => ({})),
};
// An app that never listens keeps the connections waiting, and must not keep anything else from being told.
const passedOn = {
  ...unitVariant,
  name: 'socket-activation, passed on',
  awaitsPort: true,
  backend: standing(({ env }) => ({ forwardTo: Number(env.PORT) || 8080, network: 'none' })),
};

conformance(test.serial, taken);
conformance(test.serial, passedOn);
for (const variant of [taken, passedOn]) unappliedLimits(test.serial, variant);
attacks(test.serial, { ...taken, network: 'none', open: [] });
// The names of abstract sockets belong to the network.
attacks(test.serial, { ...taken, network: 'host', open: ['abstract-socket'] });
