import { chmodSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import {
  controlSocketPath,
  prepareSocketDirectory,
  socketDirectoryIsSafe,
} from '../../../src/base/socket-path.js';
import { freshDir } from '../../helpers/fresh-dir.js';

test('the socket is in the data directory', (t) => {
  t.is(controlSocketPath('/srv/data'), '/srv/data/.tenement/ten.sock');
  t.is(controlSocketPath('data'), join(process.cwd(), 'data/.tenement/ten.sock'));
});

test('a path that does not fit into a socket address moves to a short one, the same for everybody', (t) => {
  const long = `/srv/${'x'.repeat(100)}`;
  const path = controlSocketPath(long);
  t.true(path.length < 100);
  t.regex(path, /^\/(run|tmp)\/tenement-[0-9a-f]{32}\/ten\.sock$/);
  t.is(controlSocketPath(long), path);
  t.not(controlSocketPath(`${long}y`), path);
});

test('bytes count, not letters', (t) => {
  t.regex(controlSocketPath(`/srv/${'ü'.repeat(50)}`), /^\/(run|tmp)\//);
});

test('a directory that others may write is refused by both sides', (t) => {
  const dataDir = freshDir(t);
  prepareSocketDirectory(dataDir);
  t.true(socketDirectoryIsSafe(dataDir));
  chmodSync(dirname(controlSocketPath(dataDir)), 0o777);
  t.false(socketDirectoryIsSafe(dataDir));
  t.throws(() => prepareSocketDirectory(dataDir), { code: 'listen_failed' });
});

test('no directory is not safe', (t) => {
  const dataDir = join(freshDir(t), 'none');
  t.false(socketDirectoryIsSafe(dataDir));
  mkdirSync(dataDir);
  t.false(socketDirectoryIsSafe(dataDir));
});
