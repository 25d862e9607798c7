/** One file for all backends: what the machine can do is found out once, which takes a quarter of a minute where it is emulated. */
import test from 'ava';
import { createBackends, select } from '../../../isolation/index.js';
import { controlledHost } from '../../helpers/controlled-host.js';
import { quick } from '../../helpers/quick.js';
import { attacks } from '../../integration/isolation/attacks.js';
import { conformance, type Variant } from '../../integration/isolation/conformance.js';
import { limits } from '../../integration/isolation/limits.js';
import { newUser } from '../../integration/isolation/variants.js';

const host = await controlledHost();
const backends = createBackends(host);

for (const name of ['process', 'namespace', 'sandbox'] as const) {
  const variant: Variant = {
    name,
    backend: select(backends, name, host),
    host,
    findsEverything: true,
    networks: name === 'process' ? ['host'] : ['host', 'none'],
    endsTogether: name === 'namespace',
    newIdentity: () => newUser(true),
  };
  limits(test.serial, variant);
  if (!quick) conformance(test.serial, variant);
  if (name !== 'process') attacks(test.serial, { ...variant, network: 'none', open: [] });
}
