/**
 * What isolation costs at a start: `unshare --net node dist/test/bench/start-cost/main.js [ROUNDS]` starts true(1) in every way that works here, one after the other,
 * and prints the median of the milliseconds from the call until the app is executed. As root, in a network of its own as egress makes devices.
 */
import { execFileSync } from 'node:child_process';
import type { BackendId, Spec } from '../../../isolation/contract.js';
import { createBackends, probeHost } from '../../../isolation/index.js';
import { ScriptTeardown } from '../../helpers/script-teardown.js';
import { Bench } from '../../integration/isolation/bench.js';
import { newUser } from '../../integration/isolation/variants.js';
import { median } from '../lib/statistics.js';

const t = new ScriptTeardown();
execFileSync('/bin/sh', [
  '-ec',
  'ip link set lo up; ip link add up0 type veth peer name up1; ip link set up1 up; ip link set up0 up; ip route add default dev up0',
]);

const rounds = Number(process.argv[2] ?? 20);
const host = await probeHost();
const backends = createBackends(host);
const ways: [string, BackendId, Partial<Spec>][] = [
  ['process', 'process', {}],
  ...(['namespace', 'sandbox'] as const).flatMap((id): [string, BackendId, Partial<Spec>][] => [
    [`${id}, host`, id, { network: 'host' }],
    [`${id}, host, loopback guarded`, id, { network: 'host', allowLocal: [] }],
    [`${id}, none`, id, { network: 'none' }],
    [`${id}, egress`, id, { network: 'egress' }],
  ]),
];
const only = process.argv[3];
const times = new Map<string, number[]>();
const bench = new Bench(t, newUser(true));
for (let round = 0; round < rounds; round += 1) {
  for (const [name, id, options] of ways.filter(([way]) => only === undefined || way === only)) {
    const began = performance.now();
    const spec = { ...bench.spec(['sleep', '60']), ...options };
    const handle = await backends.get(id)?.spawn(spec, new AbortController().signal);
    times.set(name, [...(times.get(name) ?? []), performance.now() - began]);
    await handle?.stop({ graceMs: 0 });
  }
}
const bare = median(times.get('process') ?? []);
for (const [name, list] of times) {
  console.log(
    `${name.padEnd(36)} ${median(list).toFixed(1).padStart(6)} ms  +${(median(list) - bare).toFixed(1)}`,
  );
}
await t.run();
