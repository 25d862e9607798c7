import test from 'ava';
import { createBackends, select } from '../../../isolation/index.js';
import { controlledHost } from '../../helpers/controlled-host.js';
import { limits } from '../../integration/isolation/limits.js';

const host = await controlledHost();
const backend = select(createBackends(host), 'sandbox', host);
limits(test.serial, { name: 'sandbox', backend, host, findsEverything: true });
