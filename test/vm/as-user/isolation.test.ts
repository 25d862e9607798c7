import test from 'ava';
import { createBackends, select } from '../../../isolation/index.js';
import { controlledHost } from '../../helpers/controlled-host.js';
import { limits } from '../../integration/isolation/limits.js';

const host = await controlledHost();
const backends = createBackends(host);

for (const name of ['process', 'namespace', 'sandbox'] as const) {
  limits(test.serial, { name, backend: select(backends, name, host), host, findsEverything: true });
}
