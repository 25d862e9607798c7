import test from 'ava';
import { createBackends, select } from '../../../isolation/index.js';
import { controlledHost } from '../../helpers/controlled-host.js';
import { attacks } from '../../integration/isolation/attacks.js';
import { conformance, type Variant } from '../../integration/isolation/conformance.js';
import { limits } from '../../integration/isolation/limits.js';
import { newUser } from '../../integration/isolation/variants.js';

const host = await controlledHost();
const variant: Variant = {
  name: 'namespace',
  backend: select(createBackends(host), 'namespace', host),
  host,
  findsEverything: true,
  networks: ['host', 'none'],
  endsTogether: true,
  newIdentity: () => newUser(true),
};
limits(test.serial, variant);
conformance(test.serial, variant);
attacks(test.serial, { ...variant, network: 'none', open: [] });
