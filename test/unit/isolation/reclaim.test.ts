import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { hasFreeSwap, reclaim } from '../../../isolation/reclaim.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const HEADER = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';
const FREE = `${HEADER}/dev/zram0   partition\t524284\t1024\t100\n`;
const MB = 2 ** 20;
const never = () => new AbortController().signal;

/** Files in the place of a group's: what was written last can be read, and memory.current does not go down. */
function group(t: ExecutionContext, swaps = FREE) {
  const directory = freshDir(t);
  writeFileSync(join(directory, 'memory.current'), String(6 * MB));
  writeFileSync(join(directory, 'memory.reclaim'), '');
  writeFileSync(join(directory, 'swaps'), swaps);
  return {
    directory,
    swaps: join(directory, 'swaps'),
    asked: () => readFileSync(join(directory, 'memory.reclaim'), 'utf8'),
  };
}

test('swap that is full, or none, is no place to put memory', (t) => {
  t.true(hasFreeSwap(FREE));
  t.false(hasFreeSwap(HEADER));
  t.false(hasFreeSwap(`${HEADER}/swapfile file 100 100 -2\n`));
  t.true(hasFreeSwap(`${HEADER}/swapfile file 100 100 -2\n/dev/zram0 partition 100 0 5\n`));
});

test('the whole size of the group is asked for, in steps', async (t) => {
  const { directory, swaps, asked } = group(t);
  await reclaim(directory, never(), swaps);
  t.is(asked(), String(2 * MB), 'the last step');
});

test('nothing is asked for without swap, or when it is thawed already', async (t) => {
  const without = group(t, HEADER);
  await reclaim(without.directory, never(), without.swaps);
  t.is(without.asked(), '');
  const thawed = group(t);
  await reclaim(thawed.directory, AbortSignal.abort(), thawed.swaps);
  t.is(thawed.asked(), '');
});

test('a group without these files, or one that is gone, is left as it is, and the next one has its turn', async (t) => {
  const directory = freshDir(t);
  const one = group(t);
  writeFileSync(join(directory, 'memory.current'), '1');
  await reclaim(directory, never(), one.swaps);
  t.false(existsSync(join(directory, 'memory.reclaim')));
  await reclaim(join(directory, 'gone'), never(), one.swaps);
  await reclaim(one.directory, never(), one.swaps);
  t.not(one.asked(), '');
});
