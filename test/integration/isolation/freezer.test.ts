/** Each way to freeze a tree, under each backend: held whole while it forks, thawed in the midst of it, known to the next server. */
import { statSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  closeInheritedFds,
  createBackends,
  type Handle,
  type Host,
  probeHost,
  select,
} from '../../../isolation/index.js';
import { until } from '../../helpers/until.js';
import { Bench, groupExists, start } from './bench.js';
import { newUser } from './variants.js';

closeInheritedFds();
const host = await probeHost();
const { legacyCgroups, ...unified } = host;
const none: Host = { ...unified, cgroupRoot: undefined };
const ways: Record<string, Host> = {
  'cgroup v2': host,
  'cgroup v1': { ...none, ...(legacyCgroups && { legacyCgroups }) },
  SIGSTOP: none,
};

/** Two shells that fork all the time and write a byte for each fork. */
const FORKER = 'count() { while :; do /bin/true; printf x >> "$1"; done; }; count one & count two';

interface Frozen {
  readonly bench: Bench;
  readonly handle: Handle;
  readonly freezer: NonNullable<Handle['freezer']>;
  readonly isGone: () => boolean;
  /** Both shells get on. */
  moves(): Promise<void>;
  /** Neither does. */
  rests(): Promise<void>;
}

async function forking(
  t: ExecutionContext,
  on: Host,
  id: 'process' | 'namespace' | 'sandbox',
): Promise<Frozen> {
  const bench = new Bench(t, on.root && on.tools.setpriv !== undefined ? newUser(true) : undefined);
  const spec = bench.spec(['/bin/sh', '-c', FORKER]);
  const handle = await start(t, select(createBackends(on), id, on), spec);
  const { freezer } = handle;
  if (freezer === undefined) throw new Error('it cannot be frozen');
  const size = (name: string) => statSync(bench.work(name), { throwIfNoEntry: false })?.size ?? 0;
  const moves = async () => {
    const [one, two] = [size('one'), size('two')];
    await until('both get on', () => size('one') > one && size('two') > two);
  };
  await moves();
  return {
    bench,
    handle,
    freezer,
    moves,
    isGone: () => !groupExists(on, spec),
    async rests() {
      const before = [size('one'), size('two')];
      // Nothing can be waited for here. A freeze that does not hold is found by this in most runs.
      await new Promise((resolve) => setTimeout(resolve, 100));
      // A write that waits for the disk when its process is stopped is still done.
      for (const [i, name] of ['one', 'two'].entries()) {
        const more = size(name) - (before[i] ?? 0);
        t.true(more <= 1, `${name} went on by ${more}`);
      }
    },
  };
}

for (const id of ['process', 'namespace', 'sandbox'] as const) {
  for (const [way, on] of Object.entries(ways)) {
    const name = `${id}, ${way}`;
    const usable =
      createBackends(on).get(id)?.probe(on).supported === true &&
      (way !== 'cgroup v2' || on.cgroupRoot !== undefined) &&
      (way !== 'cgroup v1' || on.legacyCgroups?.freezer !== undefined);
    if (!usable) {
      test.serial(name, (t) => {
        t.log('skipped: this machine does not have it');
        t.pass();
      });
      continue;
    }

    test.serial(`${name}: what forks all the time is held whole, and goes on`, async (t) => {
      const { freezer, moves, rests } = await forking(t, on, id);
      for (let round = 0; round < 3; round += 1) {
        t.false(await freezer.isFrozen());
        await freezer.freeze();
        t.true(await freezer.isFrozen());
        await rests();
        await freezer.thaw();
        await moves();
      }
    });

    test.serial(`${name}: a thaw overtakes the freeze that is under way`, async (t) => {
      const { freezer, moves } = await forking(t, on, id);
      for (let round = 0; round < 5; round += 1) {
        const frozen = freezer.freeze();
        await freezer.thaw();
        await frozen;
        t.false(await freezer.isFrozen());
        await moves();
      }
    });

    test.serial(`${name}: the next server sees that it is frozen, thaws it, and can end it`, async (t) => {
      const { handle, freezer, moves, rests, isGone } = await forking(t, on, id);
      await freezer.freeze();
      for (const end of ['thaw', 'stop'] as const) {
        const adoption = await select(createBackends(on), id, on).adopt(
          JSON.parse(JSON.stringify(handle.ref)),
        );
        if (adoption.kind !== 'adopted') return t.fail(adoption.kind);
        const next = adoption.handle;
        t.teardown(() => next.detach());
        t.true(await next.freezer?.isFrozen());
        await next.freezer?.freeze();
        await rests();
        if (end === 'stop') {
          await next.stop({ graceMs: 0 });
          t.true(isGone());
          continue;
        }
        await next.freezer?.thaw();
        t.false(await next.freezer?.isFrozen());
        await moves();
        await next.freezer?.freeze();
      }
    });

    test.serial(`${name}: killed by somebody else while frozen, nothing is left`, async (t) => {
      const { handle, freezer, isGone } = await forking(t, on, id);
      await freezer.freeze();
      process.kill(handle.ref.pid, 'SIGKILL');
      await handle.stop({ graceMs: 10_000 });
      t.like(await handle.exited, { signal: 'SIGKILL' });
      t.true(isGone());
    });
  }
}
