import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { checkReach } from '../../../src/supervisor/reach.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const identity = { uid: 1_900_200_001, gid: 1_900_200_001 };

test('directory and command have to be reached', async (t) => {
  const dir = freshDir(t);
  chmodSync(dir, 0o711);
  mkdirSync(join(dir, 'app'), { mode: 0o755 });
  writeFileSync(join(dir, 'app/run'), '', { mode: 0o755 });
  const reach = { command: './run', env: {}, directory: join(dir, 'app'), identity };
  await t.notThrowsAsync(checkReach(reach));
  chmodSync(join(dir, 'app/run'), 0o700);
  await t.throwsAsync(checkReach(reach), {
    code: 'path_unreachable',
    message: /cannot execute .*\/app\/run \(mode 0700\)/,
  });
  chmodSync(join(dir, 'app'), 0o700);
  await t.throwsAsync(checkReach(reach), {
    code: 'path_unreachable',
    message: /cannot enter .*\/app \(mode 0700\)/,
  });
});
