import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createBackends, select } from '../../../isolation/index.js';
import { controlledHost } from '../../helpers/controlled-host.js';
import { until } from '../../helpers/until.js';
import { Bench, start } from '../../integration/isolation/bench.js';

const host = await controlledHost();
const run = (file: string, ...args: string[]) => execFileSync(file, args, { stdio: 'pipe' });
const BOUND_MS = 120_000;

function succeeds(file: string, ...args: string[]): boolean {
  try {
    run(file, ...args);
    return true;
  } catch {
    return false;
  }
}

test.serial(
  'with swap the memory of what is frozen is given back, and it goes on where it was',
  async (t) => {
    const swap = '/data/swap';
    t.teardown(() => rmSync(swap, { force: true }));
    run('dd', 'if=/dev/zero', `of=${swap}`, 'bs=1M', 'count=192', 'status=none');
    run('chmod', '600', swap);
    run('mkswap', swap);
    run('swapon', swap);
    // What other tests have in there, within their limits of memory, fits nowhere else until they end.
    t.teardown(() => until('nobody needs the swap any more', () => succeeds('swapoff', swap), BOUND_MS));
    const bench = new Bench(t);
    // 64 MB that are not used again until it is thawed.
    const program =
      'const held = Buffer.alloc(64 << 20, 1); console.log("full"); setInterval(() => console.log(held.indexOf(2)), 500)';
    const spec = bench.spec([process.execPath, '-e', program]);
    const handle = await start(t, select(createBackends(host), 'process', host), spec);
    const { cgroup } = handle.ref;
    if (cgroup === undefined || handle.freezer === undefined) return t.fail('it has no cgroup');
    const size = () => Number(readFileSync(join(cgroup, 'memory.current'), 'utf8'));
    await until('it holds its memory', () => bench.stdout().includes('full'), BOUND_MS);
    const before = size();
    t.true(before > 64 << 20, `${before} bytes`);
    await handle.freezer.freeze();
    await until('most of it is given back', () => size() < before / 3, BOUND_MS);
    t.log(`${before >> 20} MB before, ${size() >> 20} MB frozen`);
    const lines = bench.stdout().length;
    await handle.freezer.thaw();
    await until('it goes on', () => bench.stdout().length > lines, BOUND_MS);
    t.regex(bench.stdout(), /-1\n$/);
  },
);
