/** Instances as transient units of a real systemd: what every backend has to do, and nothing of what an attacker wants. */
import test from 'ava';
import { select } from '../../isolation/index.js';
import { attacks } from '../integration/isolation/attacks.js';
import { conformance } from '../integration/isolation/conformance.js';
import { limits } from '../integration/isolation/limits.js';
import { backends, unitVariant } from './unit-variant.js';

const variant = {
  ...unitVariant,
  name: 'systemd',
  backend: select(backends, 'systemd', unitVariant.host),
};

conformance(test, variant);
limits(test.serial, variant);
attacks(test.serial, { ...variant, network: 'none', open: [] });
// The names of abstract sockets belong to the network.
attacks(test.serial, { ...variant, network: 'host', open: ['abstract-socket'] });
