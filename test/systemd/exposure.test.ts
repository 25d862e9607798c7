import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { createBackends, probeHost, select } from '../../isolation/index.js';
import { Bench, start } from '../integration/isolation/bench.js';
import { newUser } from '../integration/isolation/variants.js';

const host = await probeHost();
const backend = select(createBackends(host), 'systemd', host);

for (const [network, below] of [
  ['host', 1.5],
  ['none', 1.2],
] as const) {
  test(`network ${network}: systemd itself rates the exposure of an instance below ${below}`, async (t) => {
    const bench = new Bench(t, newUser(true));
    const { ref } = await start(t, backend, { ...bench.spec(bench.app('never-listens')), network });
    const unit = ref.unit?.name ?? '';
    const { stdout } = await execa('systemd-analyze', ['security', '--no-pager', unit]);
    const level = /Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1];
    const costs = stdout.split('\n').filter((line) => /\d\.\d$/.test(line.trim()));
    t.true(Number(level) < below, `${level}:\n${costs.join('\n')}`);
    t.log(`${level}; what costs: ${costs.map((line) => line.trim().split(/\s+/)[1]).join(' ')}`);
  });
}

for (const place of ['/home', '/root']) {
  test(`an app that lies in ${place} is seen, and nothing else in there`, async (t) => {
    const directory = mkdtempSync(join(place, 'tenement-app-'));
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    chmodSync(directory, 0o755);
    const bench = new Bench(t, newUser(true));
    const [node, script = ''] = bench.app('report');
    cpSync(join(script, '..'), directory, { recursive: true });
    const spec = bench.spec(['/bin/sh', '-c', `ls ${place}; exec ${node} ${directory}/report.mjs >&2`]);
    const handle = await start(t, backend, { ...spec, directory });
    t.like(await handle.exited, { code: 0 }, bench.stderr());
    t.is(bench.stdout(), `${directory.slice(place.length + 1)}\n`);
  });
}
