import { linkSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { silentLog } from '../../../src/base/log.js';
import { createUsageMeter, type UsageMeter } from '../../../src/storage/usage.js';
import { FakeClock } from '../../helpers/fake-clock.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const MiB = 1024 * 1024;

function meter(t: ExecutionContext, clock = new FakeClock()): UsageMeter {
  const usage = createUsageMeter({ clock, log: silentLog });
  t.teardown(() => usage.close());
  return usage;
}

/** Directories themselves take some blocks. */
function isAbout(t: ExecutionContext, bytes: number, expected: number): void {
  t.true(bytes >= expected && bytes < expected + MiB / 4, `${bytes} is not about ${expected}`);
}

test('counts allocated blocks: hard links once, links not followed, holes not, names with dashes too', async (t) => {
  const dir = freshDir(t);
  const other = freshDir(t);
  const deep = join(dir, '-x', 'with space\nand line');
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, 'file'), Buffer.alloc(MiB, 1));
  linkSync(join(deep, 'file'), join(dir, 'same'));
  writeFileSync(join(other, 'big'), Buffer.alloc(3 * MiB, 1));
  symlinkSync(other, join(dir, 'elsewhere'));
  writeFileSync(join(dir, 'sparse'), '');
  truncateSync(join(dir, 'sparse'), 100 * MiB);
  const usage = meter(t);
  isAbout(t, await usage.measure([dir]), MiB);
  isAbout(t, await usage.measure([dir, other]), 4 * MiB);
  isAbout(t, await usage.measure([dir, join(dir, '-x'), dir]), MiB);
});

test('what does not exist counts nothing', async (t) => {
  const dir = freshDir(t);
  const usage = meter(t);
  t.is(await usage.measure([]), 0);
  t.is(await usage.measure([join(dir, 'missing')]), 0);
  writeFileSync(join(dir, 'file'), Buffer.alloc(MiB, 1));
  isAbout(t, await usage.measure([join(dir, 'missing'), dir]), MiB);
});

test('equal requests share a walk, and a result is used for a moment only', async (t) => {
  const dir = freshDir(t);
  const clock = new FakeClock();
  const usage = meter(t, clock);
  writeFileSync(join(dir, 'file'), Buffer.alloc(MiB, 1));
  t.is(usage.measure([dir]), usage.measure([dir, dir]));
  isAbout(t, await usage.measure([dir]), MiB);
  rmSync(join(dir, 'file'));
  isAbout(t, await usage.measure([dir]), MiB);
  clock.advance(2000);
  isAbout(t, await usage.measure([dir]), 0);
});

test('many at once; close ends what is under way', async (t) => {
  const dirs = Array.from({ length: 20 }, () => freshDir(t));
  const usage = meter(t);
  t.is((await Promise.all(dirs.map((dir) => usage.measure([dir])))).length, 20);
  const closing = meter(t);
  const walks = Promise.allSettled(dirs.map((dir) => closing.measure([dir])));
  await closing.close();
  const outcomes = await walks;
  t.true(outcomes.some(({ status }) => status === 'rejected'));
  await t.throwsAsync(closing.measure([freshDir(t)]), { message: /shutting down/ });
});
