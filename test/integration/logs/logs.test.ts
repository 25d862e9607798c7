import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { LogEntry } from '../../../src/logs/types.js';
import { alice, bob, logDir, openLogs, write } from '../../helpers/log-bench.js';
import { until } from '../../helpers/until.js';

const texts = (entries: readonly LogEntry[]): string[] => entries.map((entry) => entry.message);

test('a process writes, query and follow show its lines', async (t) => {
  const logs = openLogs(t);
  const followed: LogEntry[] = [];
  logs.follow({ service: 'notes' }, (entry) => followed.push(entry));
  const before = Date.now();
  const files = logs.open(alice);
  t.deepEqual(logs.open(alice), files, 'idempotent');
  await write(t, files, `console.log('hello\\nwörld'); console.error('oh no')`);
  await until('three lines are followed', () => followed.length === 3);
  const entries = await logs.query({}, 100);
  t.deepEqual(texts(entries).sort(), ['hello', 'oh no', 'wörld']);
  t.deepEqual(entries, followed);
  t.deepEqual(texts(await logs.query({ stream: 'stderr' }, 100)), ['oh no']);
  t.true(entries.every(({ at, service, id }) => at >= before && service === 'notes' && id === 'alice'));
});

test('flush has the last words, also without a line feed', async (t) => {
  const logs = openLogs(t);
  const files = logs.open(alice);
  await write(t, files, `process.stderr.write('Traceback\\nValueError: no line end')`);
  await logs.flush(alice);
  logs.note(alice, 'exited with code 1');
  await logs.close(alice);
  t.deepEqual(texts(await logs.query(alice, 10)), [
    'Traceback',
    'ValueError: no line end',
    'exited with code 1',
  ]);
});

test('filters: search, since, stream, limit, instance; oldest first over several instances', async (t) => {
  const logs = openLogs(t);
  for (const [key, name] of [
    [alice, 'alice'],
    [bob, 'bob'],
  ] as const) {
    const files = logs.open(key);
    await write(t, files, `for (let i = 0; i < 500; i++) console.log('${name} Line ' + i);`);
    await logs.flush(key);
    // By itself: two streams have no order between them other than that in which they are read.
    await write(t, files, `console.error('ERROR of ${name}')`);
    await logs.flush(key);
  }
  t.deepEqual(texts(await logs.query({}, 2)).sort(), ['ERROR of bob', 'bob Line 499']);
  t.deepEqual(texts(await logs.query({ id: 'alice', stream: 'stdout' }, 3)), [
    'alice Line 497',
    'alice Line 498',
    'alice Line 499',
  ]);
  t.deepEqual(texts(await logs.query({ search: 'error OF' }, 10)), ['ERROR of alice', 'ERROR of bob']);
  t.is((await logs.query({ service: 'notes' }, 10_000)).length, 1002);
  t.deepEqual(await logs.query({ service: 'other' }, 10), []);
  t.deepEqual(await logs.query({ service: '../..' }, 10), []);
  t.deepEqual(await logs.query({}, 0), []);
  const all = await logs.query({}, 10_000);
  const middle = all[700]?.at ?? 0;
  t.deepEqual(
    await logs.query({ since: middle }, 10_000),
    all.filter((entry) => entry.at >= middle),
  );
  t.deepEqual(await logs.query({ since: Date.now() + 60_000 }, 10), []);
});

test('NULs, invalid UTF-8, a 10 MB line, then a normal one', async (t) => {
  const logs = openLogs(t);
  const files = logs.open(alice);
  await write(
    t,
    files,
    `const fs = require('fs');
     fs.writeSync(1, Buffer.from([0x61, 0x00, 0x62, 0xff, 0x0a]));
     fs.writeSync(1, 'x'.repeat(10 * 1024 * 1024) + '\\n');
     fs.writeSync(1, 'normal\\n');`,
  );
  await logs.flush(alice);
  const [odd, long, normal, ...rest] = texts(await logs.query(alice, 10));
  t.is(odd, 'a\u2400b\ufffd');
  t.is(long, `${'x'.repeat(16 * 1024)} … [${10 * 1024 * 1024 - 16 * 1024} bytes cut]`);
  t.is(normal, 'normal');
  t.deepEqual(rest, []);
});

test('notes: several lines, cleaned, also for an instance that never ran', async (t) => {
  const logs = openLogs(t);
  logs.note(bob, 'cannot start:\n\x1b[31mcommand not found');
  await until('the note is stored', async () => (await logs.query({}, 10)).length === 2);
  t.deepEqual(
    (await logs.query({}, 10)).map(({ stream, message }) => ({ stream, message })),
    [
      { stream: 'tenement', message: 'cannot start:' },
      { stream: 'tenement', message: 'command not found' },
    ],
  );
});

test('files are private; remove deletes everything; names cannot lead elsewhere', async (t) => {
  const dir = logDir(t);
  const logs = openLogs(t, {}, dir);
  await write(t, logs.open(alice), `console.log('secret')`);
  await logs.flush(alice);
  const own = join(dir, 'notes', 'alice');
  for (const path of [dir, join(dir, 'notes'), own]) t.is(statSync(path).mode & 0o777, 0o700, path);
  const files = readdirSync(own);
  t.deepEqual(files.sort(), ['entries.ndjson', 'stderr.log', 'stdout.log']);
  for (const file of files) t.is(statSync(join(own, file)).mode & 0o777, 0o600, file);
  await logs.remove(alice);
  t.false(existsSync(own));
  t.deepEqual(await logs.query({}, 10), []);
  t.throws(() => logs.open({ service: '..', id: 'x' }));
  await t.throwsAsync(logs.remove({ service: 'notes', id: '..' }));
});

test('before a start the raw files are emptied and the last process ends its line', async (t) => {
  const dir = logDir(t);
  const first = openLogs(t, {}, dir);
  const files = first.open(alice, { idle: true });
  await write(t, files, `console.log('first run')`);
  await first.flush(alice);
  await first.close(alice);
  // The next one dies while the server is away, in the middle of a line.
  appendFileSync(files.stdout, 'half a li');
  await first.closeAll();

  const second = openLogs(t, {}, dir);
  second.open(alice, { idle: true });
  await write(t, files, `console.log('second run')`);
  await second.flush(alice);
  await second.close(alice);
  t.true(statSync(files.stdout).size > 0);
  second.open(alice, { idle: true });
  t.is(statSync(files.stdout).size, 0);
  await write(t, files, `console.log('third run, and a longer line than all before together')`);
  await second.flush(alice);
  t.deepEqual(texts(await second.query(alice, 10)), [
    'first run',
    'half a li',
    'second run',
    'third run, and a longer line than all before together',
  ]);
});

test('an app that cuts its own file is read from its new beginning', async (t) => {
  const logs = openLogs(t);
  const files = logs.open(alice);
  await write(t, files, `console.log('before the cut')`);
  await logs.flush(alice);
  truncateSync(files.stdout, 0);
  await write(t, files, `console.log('after')`);
  await logs.flush(alice);
  t.deepEqual(texts(await logs.query(alice, 10)), ['before the cut', 'after']);
});

test('entries that a killed server left half written are cut off, damaged ones passed over', async (t) => {
  const dir = logDir(t);
  const first = openLogs(t, {}, dir);
  const files = first.open(alice);
  await write(t, files, `console.log('one'); console.log('two')`);
  await first.flush(alice);
  await first.closeAll();
  const entries = join(dir, 'notes', 'alice', 'entries.ndjson');
  appendFileSync(entries, 'garbage\n{"t":1,"s":"stdout","m":"thr');
  const second = openLogs(t, {}, dir);
  second.open(alice);
  await write(t, files, `console.log('three')`);
  await second.flush(alice);
  t.deepEqual(texts(await second.query(alice, 10)), ['one', 'two', 'three']);
});

test('while entries cannot be stored nothing counts as read', async (t) => {
  const dir = logDir(t);
  const logs = openLogs(t, {}, dir);
  const seen: string[] = [];
  logs.follow({}, ({ message }) => seen.push(message));
  const files = logs.open(alice);
  const entries = join(dir, 'notes', 'alice', 'entries.ndjson');
  // Works like a full disk, for root too.
  mkdirSync(entries);
  await write(t, files, `console.log('one'); console.error('two')`);
  logs.note(alice, 'three');
  await t.notThrowsAsync(logs.flush(alice));
  t.deepEqual(seen, []);
  rmdirSync(entries);
  await logs.flush(alice);
  t.deepEqual(seen.sort(), ['one', 'three', 'two']);
  t.deepEqual(texts(await logs.query({}, 10)).sort(), ['one', 'three', 'two']);
});

test('notes after a close are stored, and opening again goes on where reading ended', async (t) => {
  const logs = openLogs(t);
  for (let round = 0; round < 20; round += 1) {
    const { stdout } = logs.open(alice, { idle: true });
    appendFileSync(stdout, `line ${round}\n`);
    if (round % 2 === 0) await logs.flush(alice);
    const closing = logs.close(alice);
    logs.note(alice, `note ${round}`);
    if (round % 3 === 0) await closing;
  }
  logs.open(alice);
  await logs.flush(alice);
  const messages = texts(await logs.query({}, 100)).sort();
  const expected = Array.from({ length: 20 }, (_, i) => [`line ${i}`, `note ${i}`]).flat();
  t.deepEqual(messages, expected.sort());
});

test('two hundred instances at once', async (t) => {
  const logs = openLogs(t);
  const keys = Array.from({ length: 200 }, (_, i) => ({ service: 'many', id: `t${i}` }));
  const opened = keys.map((key) => ({ key, files: logs.open(key) }));
  for (let round = 0; round < 5; round += 1) {
    for (const { key, files } of opened) appendFileSync(files.stdout, `${key.id} says ${round}\n`);
  }
  await until('all lines are there', async () => (await logs.query({}, 5000)).length === 1000);
  const entries = await logs.query({ search: 'says 3' }, 5000);
  t.is(new Set(entries.map((entry) => entry.id)).size, 200);
  const sorted = entries.every((entry, i) => entry.at >= (entries[i - 1]?.at ?? 0));
  t.true(sorted);
});

test('a follower that throws does not keep lines from others, and stops when told', async (t) => {
  const logs = openLogs(t);
  const seen: string[] = [];
  logs.follow({}, () => {
    throw new Error('broken');
  });
  const stop = logs.follow({ id: 'alice', search: 'WANTED' }, (entry) => seen.push(entry.message));
  const { stdout } = logs.open(alice);
  writeFileSync(stdout, 'wanted 1\nother\n', { flag: 'a' });
  writeFileSync(logs.open(bob).stdout, 'wanted of bob\n', { flag: 'a' });
  await until('a line', () => seen.length === 1);
  stop();
  writeFileSync(stdout, 'wanted 2\n', { flag: 'a' });
  await logs.flush(alice);
  t.deepEqual(seen, ['wanted 1']);
});
