import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Access, arrange, isVisible, type View, viewsOf } from '../../../isolation/visible.js';

const view = (path: string, access: Access): View => ({ path, access, kind: 'directory' });
const names = (views: readonly View[]): string[] => views.map(({ path, access }) => `${access} ${path}`);

test('parents come before what is in them, whatever the order', (t) => {
  const views = arrange([
    view('/srv/app/data/notes/alice', 'write'),
    view('/srv/app/data', 'hide'),
    view('/srv/app', 'read'),
  ]);
  t.deepEqual(names(views), ['read /srv/app', 'hide /srv/app/data', 'write /srv/app/data/notes/alice']);
});

test('a directory inside one that is shown in the same way is not mounted again', (t) => {
  t.deepEqual(names(arrange([view('/srv/app', 'read'), view('/srv/app/lib', 'read')])), ['read /srv/app']);
  const writable = arrange([
    view('/srv/app', 'read'),
    view('/srv/app/up', 'write'),
    view('/srv/app/up/ro', 'read'),
  ]);
  t.deepEqual(names(writable), ['read /srv/app', 'write /srv/app/up', 'read /srv/app/up/ro']);
});

test('only what would be visible is hidden, so that it does not become known', (t) => {
  t.deepEqual(names(arrange([view('/srv/app', 'read'), view('/srv/data', 'hide')])), ['read /srv/app']);
});

test('the widest access to the same path wins, and hiding over all', (t) => {
  t.deepEqual(names(arrange([view('/', 'read'), view('/d', 'write'), view('/d', 'hide')])), [
    'read /',
    'hide /d',
  ]);
  t.deepEqual(names(arrange([view('/d', 'write'), view('/d', 'read')])), ['write /d']);
});

test('a path through a symlink is shown where it is, and under its own name where that would not lead there', async (t) => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'tenement-visible-')));
  t.teardown(() => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, 'releases/5'), { recursive: true });
  writeFileSync(join(dir, 'releases/5/file'), '');
  symlinkSync('releases/5', join(dir, 'current'));
  const path = join(dir, 'current');
  const views = await viewsOf([
    { path, access: 'read', because: 'x' },
    { path: join(dir, 'none'), access: 'read', because: undefined },
  ]);
  t.deepEqual(names(views), [`read ${path}`, `read ${join(dir, 'releases/5')}`]);
  const [file] = await viewsOf([{ path: join(dir, 'releases/5/file'), access: 'read', because: 'x' }]);
  t.is(file?.kind, 'file');
  await t.throwsAsync(viewsOf([{ path: join(dir, 'none'), access: 'read', because: 'wanted' }]), {
    message: /none, which is wanted, does not exist/,
  });
});

test('what is hidden in a directory is hidden under each of its names, and what is writable is writable', async (t) => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'tenement-visible-')));
  t.teardown(() => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, 'releases/5/data/notes/alice'), { recursive: true });
  writeFileSync(join(dir, 'releases/5/tenement.toml'), '');
  symlinkSync('releases/5', join(dir, 'current'));
  symlinkSync('releases/5/data', join(dir, 'data'));
  const real = join(dir, 'releases/5');
  const hidden = ['data', 'tenement.toml'].map((name) => ({
    path: join(real, name),
    access: 'hide' as const,
    because: undefined,
  }));
  const own = { path: join(real, 'data/notes/alice'), access: 'write' as const, because: 'its own' };
  const within = (path: string) => [
    `read ${path}`,
    `hide ${path}/data`,
    `hide ${path}/tenement.toml`,
    `write ${path}/data/notes/alice`,
  ];
  // A symlink that leads there, and the directory itself; below, what is hidden is named itself.
  for (const [shown, ...names_] of [
    [join(dir, 'current'), join(dir, 'current'), real],
    [real, real],
  ]) {
    const views = await viewsOf([{ path: shown ?? '', access: 'read', because: 'x' }, ...hidden, own]);
    t.deepEqual(names(views).sort(), names_.flatMap(within).sort());
  }
  const views = await viewsOf([
    { path: real, access: 'read', because: 'x' },
    { path: join(dir, 'data'), access: 'read', because: 'x', named: true },
    ...hidden,
    own,
  ]);
  t.false(names(views).includes(`read ${join(dir, 'data')}`));
  t.false(isVisible(join(dir, 'data/notes/bob'), views));
  t.true(isVisible(join(dir, 'data/notes/alice/db'), views));
});

test('system directories are not replaced by what a service names', async (t) => {
  t.deepEqual(await viewsOf([{ path: '/', access: 'read', because: 'x' }]), []);
  t.deepEqual(await viewsOf([{ path: '/usr', access: 'write', because: 'x' }]), []);
});

test('who names what is never shown as a whole is told so', async (t) => {
  const refused = { message: /^\/[a-z]*, which is named, is never shown as a whole/ };
  for (const path of ['/', '/usr', '/etc', '/tmp', '/proc']) {
    const wanted = { path, access: 'write', because: 'named', named: true } as const;
    await t.throwsAsync(viewsOf([wanted]), refused, path);
  }
  await t.throwsAsync(viewsOf([{ path: '/etc', access: 'read', because: 'named', named: true }]), refused);
  // It is there already.
  t.deepEqual(await viewsOf([{ path: '/usr', access: 'read', because: 'named', named: true }]), []);
});

test('whether a program is visible', (t) => {
  const views = arrange([view('/srv/app', 'read'), view('/srv/app/data', 'hide')]);
  t.true(isVisible('/usr/bin/node', views));
  t.true(isVisible('/srv/app/run', views));
  t.false(isVisible('/srv/app/data/x', views));
  t.false(isVisible('/srv/application', views));
});
