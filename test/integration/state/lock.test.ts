import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { lockDataDir } from '../../../src/state/lock.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const lockModule = fileURLToPath(new URL('../../../src/state/lock.js', import.meta.url));

test('a second server is refused with the pid of the first, until that one is killed', async (t) => {
  const dataDir = freshDir(t);
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { lockDataDir } = await import(process.argv[1]);
       lockDataDir(process.argv[2]); console.log('locked'); setInterval(() => {}, 1000);`,
      lockModule,
      dataDir,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');

  const error = t.throws(() => lockDataDir(dataDir), { instanceOf: TenementError });
  t.is(error?.code, 'data_dir_locked');
  t.true(error?.message.includes(`pid ${child.pid}`), error?.message);

  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  const lock = lockDataDir(dataDir);
  t.throws(() => lockDataDir(dataDir), { message: new RegExp(`pid ${process.pid}`) });
  lock.release();
  lock.release();
  t.false(existsSync(join(dataDir, '.tenement', 'pid')));
  lockDataDir(dataDir).release();
});

test('a child started while the lock is held does not keep it', async (t) => {
  const dataDir = freshDir(t);
  const lock = lockDataDir(dataDir);
  const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  lock.release();
  t.notThrows(() => lockDataDir(dataDir).release());
});
