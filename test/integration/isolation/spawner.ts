/**
 * A small server of its own for tests: `node spawner.js SPEC [stop]` starts the spec's instance by the process backend, prints its ref as
 * one line of JSON and stays. With `stop` it stops the instance when a line comes on stdin, and prints `stopped`.
 */
import { once } from 'node:events';
import type { Spec } from '../../../isolation/contract.js';
import { createBackends, probeHost, select } from '../../../isolation/index.js';

const host = await probeHost();
const spec: Spec = { identity: undefined, ...JSON.parse(process.argv[2] ?? '') };
const backend = select(createBackends(host), 'process', host);
const handle = await backend.spawn(spec, new AbortController().signal);
console.log(JSON.stringify(handle.ref));
await once(process.stdin, 'data');
await handle.stop({ graceMs: 10_000 });
console.log('stopped');
process.exit(0);
