import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { patience } from '../../helpers/patience.js';
import { haveTools } from '../../helpers/require-tool.js';

const scene = join(dirname(fileURLToPath(import.meta.url)), 'nft-scene.js');

test('one nft does it all, says what it refuses, and is replaced when it ends', async (t) => {
  if (process.geteuid?.() !== 0) {
    t.log('skipped: needs root');
    return t.pass();
  }
  if (!haveTools(t, 'unshare', 'nft')) return;
  const { stdout } = await promisify(execFile)('unshare', ['--net', '--', process.execPath, scene], {
    timeout: patience(150_000),
  });
  const seen = JSON.parse(stdout);
  t.regex(seen.made, /chain user_1 [\s\S]*chain user_2 [\s\S]*chain user_3 [\s\S]*chain user_4 /);
  t.regex(seen.refused, /Error: .*No such file/);
  t.regex(seen.nonsense, /Error: syntax error/);
  t.true(seen.same, 'by one program');
  t.deepEqual(seen.renewed, [true, false]);
  t.regex(seen.again, /chain user_1 [\s\S]*chain user_4 /);
  t.regex(seen.after, /chain user_4 [\s\S]*chain user_5 /);
  t.is(seen.left, '');
  t.is(seen.other, undefined);
  t.regex(seen.otherwise, /table inet other/);
  t.deepEqual(seen.fallbacks, [], 'no other was needed');
});
