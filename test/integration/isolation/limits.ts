/** Limits and freezing, for every backend that has them: run by the backend's test file beside the conformance suite. */
import { get } from 'node:http';
import { join } from 'node:path';
import type { SerialFn } from 'ava';
import type { Limits } from '../../../isolation/contract.js';
import { TenementError } from '../../../src/base/errors.js';
import { freePort } from '../../helpers/free-port.js';
import { until } from '../../helpers/until.js';
import { Bench, groupExists, read, start } from './bench.js';
import type { Variant } from './conformance.js';

function canLimit({ host }: Variant, controller: 'memory' | 'cpu' | 'pids'): boolean {
  return host.controllers.includes(controller) || host.legacyCgroups?.[controller] !== undefined;
}

/** Where something cannot be limited: also of backends that have nothing else of this file. */
export function unappliedLimits(test: SerialFn, variant: Variant): void {
  const { backend, host } = variant;
  const title = (text: string): string => `${variant.name}: ${text}`;
  for (const limit of [{ memoryBytes: 1 << 28 }, { cpuQuota: 1 }, { pids: 9 }] satisfies Limits[]) {
    const [key] = Object.keys(limit);
    const controller = key === 'memoryBytes' ? 'memory' : key === 'pids' ? 'pids' : 'cpu';
    if (canLimit(variant, controller)) continue;
    test(title(`a limit that cannot be applied (${key}) is an error, not ignored`), async (t) => {
      const bench = new Bench(t, variant.newIdentity?.());
      const spec = { ...bench.spec(bench.app('never-listens')), limits: limit };
      const error = await t.throwsAsync(start(t, backend, spec), { instanceOf: TenementError });
      t.is(error.code, 'isolation_unavailable');
      t.regex(error.message, new RegExp(controller));
      t.false(groupExists(host, spec));
    });
  }
}

export function limits(test: SerialFn, variant: Variant): void {
  const { backend, host } = variant;
  const title = (text: string): string => `${variant.name}: ${text}`;
  const has = (controller: 'memory' | 'cpu' | 'pids') => canLimit(variant, controller);

  test(title('open files, core dumps and sizes of files are limited'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const spec = bench.spec(['sh', '-c', 'ulimit -n; ulimit -c; ulimit -f; ulimit -Hn']);
    await (await start(t, backend, { ...spec, limits: { nofile: 77, fsize: 4096 } })).exited;
    t.deepEqual(bench.stdout().trim().split('\n'), ['77', '0', '8', '77']);
  });

  if (has('memory')) {
    test(title('what needs more memory than it may have is killed, and that is told'), async (t) => {
      const bench = new Bench(t, variant.newIdentity?.());
      const spec = bench.spec(bench.app('hungry'), { TOTAL_MB: '400' });
      const handle = await start(t, backend, { ...spec, limits: { memoryBytes: 120 << 20 } });
      t.like(await handle.exited, { oom: true, signal: 'SIGKILL' });
      t.false(bench.stdout().includes('full'));
      await handle.stop({ graceMs: 0 });
      t.false(groupExists(host, spec));
    });

    test(title('too little memory even to start is told as the probable cause'), async (t) => {
      const bench = new Bench(t, variant.newIdentity?.());
      const spec = { ...bench.spec(bench.app('never-listens')), limits: { memoryBytes: 64 << 10 } };
      const error = await t.throwsAsync(start(t, backend, spec), { instanceOf: TenementError });
      t.regex(error?.message ?? '', /`memory_limit_mb`/);
      t.false(groupExists(host, spec));
    });

    test(title('within its memory it lives'), async (t) => {
      const bench = new Bench(t, variant.newIdentity?.());
      const spec = bench.spec(bench.app('hungry'), { TOTAL_MB: '100' });
      const handle = await start(t, backend, {
        ...spec,
        limits: { memoryBytes: 400 << 20, cpuWeight: 50, cpuQuota: 1.5 },
      });
      t.like(await handle.exited, { oom: false, code: 0 }, bench.stderr());
    });
  }

  // Version 1 kills one process only.
  if (host.controllers.includes('memory')) {
    test(title('when one of its processes takes too much memory, all of them end'), async (t) => {
      const bench = new Bench(t, variant.newIdentity?.());
      const [node, hungry = ''] = bench.app('hungry');
      const script = 'sleep 600 & "$0" "$1"; echo "went on"; wait';
      const spec = bench.spec(['sh', '-c', script, node, hungry], { TOTAL_MB: '400' });
      const handle = await start(t, backend, { ...spec, limits: { memoryBytes: 120 << 20 } });
      t.like(await handle.exited, { oom: true, signal: 'SIGKILL' });
      t.is(bench.stdout(), '');
      await handle.stop({ graceMs: 0 });
      t.false(groupExists(host, spec));
    });
  }

  if (host.controllers.includes('cpu')) {
    test(title('a busy loop gets no more processor than it may have'), async (t) => {
      const bench = new Bench(t, variant.newIdentity?.());
      const spec = bench.spec(['sh', '-c', 'while :; do :; done']);
      const limits: Limits = { cpuQuota: 0.2, cpuWeight: 30 };
      const { ref } = await start(t, backend, { ...spec, limits });
      const inGroup = (file: string): string => read(join(ref.cgroup ?? '', file));
      t.is(inGroup('cpu.weight').trim(), '30');
      await until('it was held back', () => /^nr_throttled [1-9]/m.test(inGroup('cpu.stat')));
    });
  }

  if (has('pids')) {
    test(title('no more processes than it may have'), async (t) => {
      const bench = new Bench(t, variant.newIdentity?.());
      const forks = 'i=0; while [ $i -lt 40 ]; do sleep 60 & i=$((i+1)); echo $i; done';
      const spec = bench.spec(['sh', '-c', forks]);
      const handle = await start(t, backend, { ...spec, limits: { pids: 10 } });
      await handle.exited;
      const forked = bench.stdout().trim().split('\n').length;
      t.true(forked <= 9, `${forked} forks`);
      await handle.stop({ graceMs: 0 });
    });
  }

  unappliedLimits(test, variant);

  test(title('frozen it does nothing; what came meanwhile is answered after the thaw'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const port = await freePort();
    const handle = await start(t, backend, bench.spec(bench.app('listen'), { PORT: String(port) }));
    if (handle.freezer === undefined) return t.log('skipped: nothing can be frozen here');
    await until('listening', () => bench.stdout().includes('listening'));
    await handle.freezer.freeze();
    let answered = false;
    const answer = new Promise<void>((resolve, reject) => {
      get({ host: '127.0.0.1', port, agent: false }, (response) => {
        answered = true;
        response.resume().on('end', resolve);
      }).on('error', reject);
    });
    // Nothing can be waited for here. A freeze that does not hold is found by this in most runs.
    await new Promise((resolve) => setTimeout(resolve, 200));
    t.false(answered);
    await handle.freezer.thaw();
    await answer;
    t.true(answered);
  });

  test(title('a frozen app can still end in its own way'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const handle = await start(t, backend, bench.spec(bench.app('slow-term'), { PORT: '0', TERM_MS: '1' }));
    if (handle.freezer === undefined) return t.log('skipped: nothing can be frozen here');
    await until('listening', () => bench.stdout().includes('listening'));
    await handle.freezer.freeze();
    await handle.stop({ graceMs: 20_000 });
    t.like(await handle.exited, { code: 0 });
  });

  test(title('a frozen app can be killed'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const spec = bench.spec(bench.app('never-listens'));
    const handle = await start(t, backend, spec);
    if (handle.freezer === undefined) return t.log('skipped: nothing can be frozen here');
    await handle.freezer.freeze();
    await handle.stop({ graceMs: 0 });
    t.like(await handle.exited, { signal: 'SIGKILL' });
    t.false(groupExists(host, spec));
  });
}
