import test from 'ava';
import { instanceEnv, instanceHome } from '../../../src/config/instance-env.js';

const parts = {
  key: { service: 'notes', id: 'alice' },
  vars: { name: 'notes', id: 'alice', data_dir: '/d', version: 'alice', port: '30001' },
  serviceEnv: {},
  passEnv: [],
  home: '/home/op',
  otherUser: false,
  base: {
    PATH: '/bin',
    HOME: '/home/op',
    TENEMENT_TOKEN: 't',
    AWS_SECRET: 's',
    NODE_OPTIONS: '--x',
    TMPDIR: '/t',
  },
  url: 'http://alice.notes.localhost:8080',
};

test('only what is on the list', (t) => {
  t.deepEqual(instanceEnv(parts), {
    PATH: '/bin',
    LANG: 'C.UTF-8',
    HOME: '/home/op',
    TMPDIR: '/t',
    PORT: '30001',
    TENEMENT_SERVICE: 'notes',
    TENEMENT_INSTANCE: 'alice',
    TENEMENT_URL: 'http://alice.notes.localhost:8080',
  });
});

test('another user gets a home and a cache of its own, and not the server’s temporary files', (t) => {
  const home = instanceHome({ otherUser: true, serverHome: '/root', directory: '/d/notes/alice' });
  const env = instanceEnv({ ...parts, home, otherUser: true, base: { ...parts.base, XDG_CACHE_HOME: '/c' } });
  t.is(env.HOME, '/d/notes/alice');
  t.is(env.XDG_CACHE_HOME, '/d/notes/alice/.cache');
  t.is(env.TMPDIR, undefined);
  t.is(instanceHome({ otherUser: false, serverHome: '/root', directory: '/d/notes/alice' }), '/root');
});

test('the order: passed on, file, table, the instance’s own', (t) => {
  const env = instanceEnv({
    ...parts,
    base: { ...parts.base, A: 'base', B: 'base', C: 'base', D: 'base', E: 'base' },
    passEnv: ['A', 'B', 'C', 'D', 'MISSING', 'TZ'],
    envFile: { B: 'file', C: 'file', D: 'file {id}' },
    serviceEnv: { C: 'table {id}', D: 'table' },
    instanceEnv: { D: 'own {id}', PATH: '/own' },
  });
  t.like(env, { A: 'base', B: 'file', C: 'table alice', D: 'own {id}', PATH: '/own' });
  t.false('E' in env);
  t.false('MISSING' in env);
});

test('nothing can pretend to be another instance', (t) => {
  const evil = { PORT: '1', TENEMENT_SERVICE: 'x', TENEMENT_TOKEN: 'x', LISTEN_FDS: '1', SOCKET_PATH: '/x' };
  const env = instanceEnv({ ...parts, envFile: evil, instanceEnv: evil, passEnv: ['TENEMENT_TOKEN'] });
  t.like(env, { PORT: '30001', TENEMENT_SERVICE: 'notes' });
  for (const name of ['TENEMENT_TOKEN', 'LISTEN_FDS', 'SOCKET_PATH']) t.false(name in env, name);
});

test('variables that are empty in the server’s environment', (t) => {
  const env = instanceEnv({ ...parts, base: {} });
  t.regex(env.PATH ?? '', /\/usr\/bin/);
  t.is(env.TZ, undefined);
});
