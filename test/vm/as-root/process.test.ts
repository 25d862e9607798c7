import test from 'ava';
import { createBackends, select } from '../../../isolation/index.js';
import { controlledHost } from '../../helpers/controlled-host.js';
import { conformance, type Variant } from '../../integration/isolation/conformance.js';
import { limits } from '../../integration/isolation/limits.js';
import { newUser } from '../../integration/isolation/variants.js';

const host = await controlledHost();
const variant: Variant = {
  name: 'process',
  backend: select(createBackends(host), 'process', host),
  host,
  findsEverything: true,
  networks: ['host'],
  endsTogether: false,
  newIdentity: () => newUser(true),
};
limits(test.serial, variant);
conformance(test.serial, variant);
