import test from 'ava';
import fc from 'fast-check';
import { parseKey } from '../../../src/base/names.js';
import { dataPathConflict, instanceDirectories, instanceLocations } from '../../../src/config/data-paths.js';
import type { Config } from '../../../src/config/schema.js';
import { serviceSchema } from '../../../src/config/service.js';
import { settingsSchema } from '../../../src/config/settings.js';

type Services = Record<string, Record<string, string>>;

function config(
  services: Services,
  isolation = 'process',
  data_dir = '/data',
): Pick<Config, 'settings' | 'service'> {
  return {
    settings: settingsSchema.parse({ data_dir }),
    service: Object.fromEntries(
      Object.entries(services).map(([name, env]) => [
        name,
        serviceSchema.parse({ command: 'x', isolation, env }),
      ]),
    ),
  };
}

const cases: [value: string, directories: string[]][] = [
  ['{data_dir}/{id}', ['/data/alice']],
  ['{data_dir}/{id}/', ['/data/alice']],
  ['{data_dir}/{id}/app.db', ['/data/alice']],
  ['{data_dir}/{version}/app.db', ['/data/alice']],
  ['{data_dir}/a b/{id}/app.db', ['/data/a b/alice']],
  ['{data_dir}//./x/{id}', ['/data/x/alice']],
  ['{data_dir}/{name}/{id}/app.db', []],
  ['{data_dir}/{name}-files/{id}', ['/data/notes-files/alice']],
  ['{data_dir}/x-{id}/{id}/y', ['/data/x-alice/alice']],
  ['sqlite:///{data_dir}/{id}/app.db?mode=rwc', ['/data/alice']],
  ['{data_dir}/a/{id}:{data_dir}/b/{id}/c', ['/data/a/alice', '/data/b/alice']],
  ['/data/{id}/x', ['/data/alice']],
  ['file:/data/{id}?x', ['/data/alice']],
  // Not directories of the instance.
  ['{data_dir}/{id}.db', []],
  ['{data_dir}/shared/app.db', []],
  ['/srv/data/{id}', []],
  ['/database/{id}', []],
  ['{id}', []],
  ['/elsewhere/{id}/x', []],
];

for (const [value, directories] of cases) {
  test(`directories that "${value}" names`, (t) => {
    t.deepEqual(instanceDirectories(config({ notes: { A: value } }), 'notes', 'alice'), [
      '/data/notes/alice',
      ...directories,
    ]);
  });
}

for (const [value, locations] of [
  [
    '{data_dir}/dd/{id}.db',
    ['/data/dd/alice.db', '/data/dd/alice.db-wal', '/data/dd/alice.db-shm', '/data/dd/alice.db-journal'],
  ],
  ['{data_dir}/x-{id}/sub/app.db', ['/data/x-alice']],
  ['{data_dir}/x-{id}/{id}/app.db', ['/data/x-alice/alice']],
] as const) {
  test(`what "${value}" names with the id in a part of a segment`, (t) => {
    t.deepEqual(instanceLocations(config({ notes: { A: value } }), 'notes', 'alice'), [
      '/data/notes/alice',
      ...locations,
    ]);
  });
}

test('a value that names a file and one that names something in it: a directory', (t) => {
  const env = { A: '{data_dir}/x-{id}', B: '{data_dir}/x-{id}/app.db' };
  t.deepEqual(instanceDirectories(config({ notes: env }), 'notes', 'alice'), [
    '/data/notes/alice',
    '/data/x-alice',
  ]);
});

test('several values that name one directory name it once, and an inner one belongs to the outer', (t) => {
  const env = { A: '{data_dir}/{id}/a', B: '{data_dir}/{id}/b', C: '{data_dir}/{name}/{id}/c/{id}' };
  t.deepEqual(instanceDirectories(config({ notes: env }), 'notes', 'alice'), [
    '/data/notes/alice',
    '/data/alice',
  ]);
});

function conflict(services: Services, key: string, others: string[], isolation?: string): string | undefined {
  return dataPathConflict(config(services, isolation), parseKey(key), (k) =>
    others.includes(`${k.service}:${k.id}`),
  );
}

const FLAT = { D: '{data_dir}/{id}' };

test('instances beside each other do not conflict', (t) => {
  t.is(
    conflict({ notes: FLAT, site: {} }, 'notes:alice', ['notes:bob', 'site:alice', 'notes:alice']),
    undefined,
  );
});

test('an id that is the name of a service would own all its instances, registered or not', (t) => {
  t.regex(conflict({ notes: FLAT, site: {} }, 'notes:site', []) ?? '', /all instances of the service "site"/);
  t.regex(conflict({ notes: FLAT }, 'notes:notes', []) ?? '', /all instances of the service "notes"/);
});

test("tenement's own files are no directories of instances", (t) => {
  t.regex(conflict({ notes: FLAT }, 'notes:api_token', []) ?? '', /tenement's own/);
});

test('one directory for two services: only without isolation', (t) => {
  t.is(conflict({ a: FLAT, b: FLAT }, 'a:x', ['b:x']), undefined);
  t.regex(
    conflict({ a: FLAT, b: FLAT }, 'a:x', ['b:x'], 'namespace') ?? '',
    /overlaps with one of the instance b:x/,
  );
  t.is(conflict({ a: FLAT, b: FLAT }, 'a:x', ['b:y'], 'namespace'), undefined);
});

test('a directory inside of another instance’s is refused, whoever comes first', (t) => {
  const services = { a: { D: '{data_dir}/x/{id}' }, b: { D: '{data_dir}/x/deep/{id}' } };
  t.regex(conflict(services, 'b:q', ['a:deep']) ?? '', /overlaps with one of the instance a:deep/);
  t.regex(conflict(services, 'a:deep', []) ?? '', /all instances of the service "b"/);
  t.is(conflict(services, 'b:q', ['a:other']), undefined);
});

test('another service’s directory as a value is that service’s', (t) => {
  const services = { a: { D: '{data_dir}/b/{id}' }, b: {} };
  t.regex(conflict(services, 'a:x', ['b:x'], 'namespace') ?? '', /b:x/);
});

test('ids around a fixed text', (t) => {
  const services = { a: { D: '{data_dir}/{id}-x/{id}' }, b: { D: '{data_dir}/{id}' } };
  t.regex(conflict(services, 'a:q', ['b:q-x']) ?? '', /b:q-x/);
  t.is(conflict(services, 'a:q', ['b:q']), undefined);
});

test('files of the same name, and a file that is a companion of another one', (t) => {
  const db = { D: '{data_dir}/{id}.db' };
  t.is(conflict({ a: db, b: db }, 'a:x', ['b:x']), undefined);
  t.regex(conflict({ a: db, b: db }, 'a:x', ['b:x'], 'namespace') ?? '', /b:x/);
  t.is(conflict({ a: db, b: db }, 'a:x', ['b:y', 'a:y'], 'namespace'), undefined);
  const bare = { a: { D: '{data_dir}/db-{id}' } };
  t.regex(conflict(bare, 'a:x', ['a:x-wal']) ?? '', /overlaps with one of the instance a:x-wal/);
  t.regex(conflict(bare, 'a:x-wal', ['a:x']) ?? '', /overlaps with one of the instance a:x/);
  t.is(conflict(bare, 'a:x-wal', ['a:x-shm', 'a:y']), undefined);
});

test('a directory below the companion of another one’s database is a conflict, whoever was first', (t) => {
  const both = config({ a: { V: '{data_dir}/x-{id}' }, b: { V: '{data_dir}/x-{id}/{id}' } }, 'namespace');
  const [file, below] = [
    { service: 'a', id: 'a' },
    { service: 'b', id: 'a-wal' },
  ];
  t.regex(
    dataPathConflict(both, below, (k) => k.service === 'a' && k.id === 'a') ?? '',
    /overlaps with .*a:a/,
  );
  t.not(
    dataPathConflict(both, file, (k) => k.service === 'b' && k.id === 'a-wal'),
    undefined,
  );
});

test('two instances that are accepted one after the other never overlap', (t) => {
  const value = fc
    .array(fc.constantFrom('{id}', '{name}', 'a', 'b', 'x-{id}', '{id}.d'), { minLength: 1, maxLength: 3 })
    .map((segments) => `{data_dir}/${segments.join('/')}`);
  const id = fc.constantFrom('a', 'b', 'c', 'x-a', 'x-b', 'a-wal');
  fc.assert(
    fc.property(value, value, id, id, (one, two, first, second) => {
      const both = config({ a: { V: one }, b: { V: two } }, 'namespace');
      const [k1, k2] = [
        { service: 'a', id: first },
        { service: 'b', id: second },
      ];
      if (dataPathConflict(both, k1, () => false) !== undefined) return;
      if (dataPathConflict(both, k2, (k) => k.service === 'a' && k.id === first) !== undefined) return;
      for (const d1 of instanceLocations(both, 'a', first)) {
        for (const d2 of instanceLocations(both, 'b', second)) {
          t.false(`${d1}/`.startsWith(`${d2}/`) || `${d2}/`.startsWith(`${d1}/`), `${d1} ${d2}`);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
