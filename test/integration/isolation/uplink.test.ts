import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { haveTools } from '../../helpers/require-tool.js';

const scene = join(dirname(fileURLToPath(import.meta.url)), 'uplink-scene.js');

test('network egress without root: what an instance reaches, and that all of it ends with it', async (t) => {
  if (process.geteuid?.() !== 0) {
    t.log('skipped: needs root, to make a world');
    return t.pass();
  }
  if (!haveTools(t, 'unshare', 'setpriv', 'ip', 'nft', 'nsenter', 'perl', 'pasta')) return;
  const { stdout } = await promisify(execFile)(
    'unshare',
    ['--net', '--mount', '--', process.execPath, scene],
    { timeout: 90_000 },
  );
  const { reached, during, adoption, main, refused } = JSON.parse(stdout);
  const names = Object.keys(reached);
  t.true(names.length > 30);
  t.deepEqual(
    names.filter((name) => reached[name] === true),
    names.filter((name) => /^(world|resolver|allowed|own)/.test(name)),
  );
  t.is(during.length, 2, 'one for each instance');
  t.is(adoption, 'adopted');
  t.true(main);
  t.regex(refused, /pasta was not found/);
  t.log(`${names.length} tries`);
});
