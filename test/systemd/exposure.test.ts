import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { createBackends, probeHost, select, socketPath } from '../../isolation/index.js';
import { freePort } from '../helpers/free-port.js';
import { Bench, start } from '../integration/isolation/bench.js';
import { newUser } from '../integration/isolation/variants.js';

const host = await probeHost();
const backends = createBackends(host, '/exposure');
const backend = select(backends, 'systemd', host);

async function exposure(t: ExecutionContext, unit: string, below: number): Promise<void> {
  const { stdout } = await execa('systemd-analyze', ['security', '--no-pager', unit]);
  const level = /Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1];
  const costs = stdout.split('\n').filter((line) => /\d\.\d$/.test(line.trim()));
  t.true(Number(level) < below, `${unit} ${level}:\n${costs.join('\n')}`);
  t.log(`${level}; what costs: ${costs.map((line) => line.trim().split(/\s+/)[1]).join(' ')}`);
}

for (const [network, below] of [
  ['host', 1.5],
  ['none', 1.2],
] as const) {
  test(`network ${network}: systemd itself rates the exposure of an instance below ${below}`, async (t) => {
    const bench = new Bench(t, newUser(true));
    const { ref } = await start(t, backend, { ...bench.spec(bench.app('never-listens')), network });
    await exposure(t, ref.unit?.name ?? '', below);
  });

  for (const passedOn of [false, true]) {
    const what = passedOn ? 'of one that is woken, and of its door' : 'of one that is woken by its socket';
    test(`network ${network}: nor does it rate the exposure ${what} higher`, async (t) => {
      const woken = select(backends, 'socket-activation', host);
      const bench = new Bench(t, newUser(true));
      const port = await freePort();
      const plain = bench.spec(bench.app('listen'), { PORT: String(port) });
      t.teardown(() => woken.sockets?.close(plain, { graceMs: 0 }));
      const address = { path: socketPath(plain) };
      const { ref } = await start(t, woken, {
        ...{ ...plain, address, network },
        ...(passedOn && { forwardTo: port }),
      });
      const unit = ref.unit?.name ?? '';
      await exposure(t, unit, below);
      if (passedOn) await exposure(t, unit.replace(/\.service$/, '-door.service'), below);
    });
  }
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
