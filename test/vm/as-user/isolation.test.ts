import test from 'ava';
import { createBackends, select } from '../../../isolation/index.js';
import { controlledHost } from '../../helpers/controlled-host.js';
import { quick } from '../../helpers/quick.js';
import { limits } from '../../integration/isolation/limits.js';

const host = await controlledHost();
const backends = createBackends(host);

// As root all of them are looked at anyway (../as-root).
for (const name of quick ? (['namespace'] as const) : (['process', 'namespace', 'sandbox'] as const)) {
  limits(test.serial, { name, backend: select(backends, name, host), host, findsEverything: true });
}
