import test from 'ava';
import { createBackends, select } from '../../../isolation/index.js';
import { controlledHost } from '../../helpers/controlled-host.js';
import { limits } from '../../integration/isolation/limits.js';

const host = await controlledHost();
const backend = select(createBackends(host), 'namespace', host);
limits(test.serial, { name: 'namespace', backend, host, findsEverything: true });
