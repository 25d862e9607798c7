/** Instances as transient units of a real systemd: what every backend has to do, and nothing of what an attacker wants. */
import test from 'ava';
import { closeInheritedFds, createBackends, probeHost, select } from '../../isolation/index.js';
import { attacks } from '../integration/isolation/attacks.js';
import { conformance } from '../integration/isolation/conformance.js';
import { newUser } from '../integration/isolation/variants.js';

closeInheritedFds();
const host = await probeHost();
const variant = {
  name: 'systemd',
  backend: select(createBackends(host), 'systemd', host),
  host,
  findsEverything: true,
  networks: ['host', 'none'] as const,
  endsTogether: true,
  tellsEveryExit: true,
  takesNoSocket: true,
  newIdentity: () => newUser(true),
};

conformance(test, variant);
attacks(test.serial, { ...variant, network: 'none', open: [] });
// The names of abstract sockets belong to the network.
attacks(test.serial, { ...variant, network: 'host', open: ['abstract-socket'] });
