import { once } from 'node:events';
import { linkSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { connectReal } from '../../../src/base/real-socket.js';
import { freshDir } from '../../helpers/fresh-dir.js';

async function listening(t: ExecutionContext, path: string): Promise<string> {
  const name = path.split('/').at(-1) ?? '';
  const server = createServer((socket) => socket.end(name));
  server.listen(path);
  await once(server, 'listening');
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return path;
}

async function said(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

test('a socket is connected to; a link, a second name and another file are not', async (t) => {
  const dir = freshDir(t);
  const path = await listening(t, join(dir, 'own'));
  let socket: Socket | undefined;
  t.is(
    connectReal({ path }, (target) => {
      socket = connect(target);
    }),
    undefined,
  );
  t.is(socket === undefined ? '' : await said(socket), 'own');
  const never = () => t.fail('it was connected to');
  symlinkSync(path, join(dir, 'link'));
  mkdirSync(join(dir, 'directory'));
  for (const name of ['link', 'directory'])
    t.regex(
      connectReal({ path: join(dir, name) }, never)?.message ?? '',
      /not a socket of the instance's own/,
    );
  linkSync(path, join(dir, 'second'));
  t.regex(connectReal({ path }, never)?.message ?? '', /not a socket of the instance's own/);
});

test('that there is no socket yet is told as connect(2) tells it', (t) => {
  if (process.platform !== 'linux') return t.log('skipped: elsewhere connecting tells it') as undefined;
  const error = connectReal({ path: join(freshDir(t), 'none') }, () => t.fail('it was connected to'));
  t.is((error as NodeJS.ErrnoException | undefined)?.code, 'ENOENT');
});

test('what was looked at is connected to, also when it is a link a moment later', async (t) => {
  if (process.platform !== 'linux') return t.log('skipped: only Linux can open a socket') as undefined;
  const dir = freshDir(t);
  const own = await listening(t, join(dir, 'own'));
  const secret = await listening(t, join(dir, 'secret'));
  symlinkSync(secret, join(dir, 'link'));
  let socket: Socket | undefined;
  connectReal({ path: own }, (target) => {
    renameSync(own, join(dir, 'aside'));
    renameSync(join(dir, 'link'), own);
    socket = connect(target);
  });
  t.is(socket === undefined ? '' : await said(socket), 'own');
});

test('no descriptor stays open', (t) => {
  if (process.platform !== 'linux') return t.log('skipped: none is opened elsewhere') as undefined;
  const path = freshDir(t);
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 20; i += 1) connectReal({ path }, () => undefined);
  t.true(readdirSync('/proc/self/fd').length <= before + 2);
});
