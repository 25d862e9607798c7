/** A place of a unit that others remove and make at the same time. */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { makePlace, placeOf, removePlace, replaceEnvironment } from '../../../../isolation/unit/place.js';
import { freshDir } from '../../../helpers/fresh-dir.js';

const SYSTEM = {
  links: ['/bin', '/dev/fd', '/usr/lib64'],
  targets: new Map([
    ['/bin', 'usr/bin'],
    ['/usr/lib64', 'lib'],
  ]),
};
const FILES = [{ path: '/etc/passwd', text: 'x' }];

/** Another server: it has a module, and with it an order, of its own. `act` is called until the worker is told to end. */
function otherServer(places: string, act: string): { end: () => Promise<unknown> } {
  const module = new URL('../../../../isolation/unit/place.js', import.meta.url).href;
  const code = `
    const { parentPort } = require('node:worker_threads');
    let going = true;
    parentPort.once('message', () => { going = false; });
    import(${JSON.stringify(module)}).then(async ({ makePlace, placeOf, removePlace }) => {
      const place = placeOf('one.service', ${JSON.stringify(places)});
      while (going) { await ${act}; await new Promise(setImmediate); }
      parentPort.postMessage('done');
    });`;
  const worker = new Worker(code, { eval: true });
  const ended = new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  ended.catch(() => undefined);
  return {
    end: () => {
      worker.postMessage('end');
      return ended;
    },
  };
}

test('it has root, environment, links and files; made again, what was there is gone', async (t) => {
  const place = placeOf('one.service', join(freshDir(t), 'run'));
  await makePlace(place, 'A=1\n', SYSTEM, FILES);
  mkdirSync(join(place.root, 'left'));
  await makePlace(place, 'A=2\n', SYSTEM, FILES);
  t.is(readFileSync(place.environment, 'utf8'), 'A=2\n');
  t.is(statSync(place.environment).mode & 0o777, 0o600);
  t.is(statSync(place.directory).mode & 0o777, 0o700);
  t.is(readlinkSync(join(place.root, 'bin')), 'usr/bin');
  t.deepEqual(readdirSync(place.root).sort(), ['bin', 'etc', 'root', 'usr']);
  await removePlace(place);
  await removePlace(place);
  t.deepEqual(readdirSync(join(place.directory, '..')), []);
});

test('removed and made at the same time in one server, the last that was asked for is what is there', async (t) => {
  const place = placeOf('one.service', join(freshDir(t), 'run'));
  const acts = Array.from({ length: 60 }, (_, i) =>
    i % 3 === 0 ? removePlace(place) : makePlace(place, `N=${i}\n`, SYSTEM, FILES),
  );
  await Promise.all(acts);
  t.is(readFileSync(place.environment, 'utf8'), 'N=59\n');
  t.deepEqual(readdirSync(place.directory).sort(), ['env', 'root']);
  t.is(readdirSync(join(place.directory, '..')).length, 1);
});

for (const [title, act] of Object.entries({
  'removes it': 'removePlace(place)',
  'makes it as well': "makePlace(place, 'B=1', { links: [], targets: new Map() }, [])",
})) {
  test(`while another server ${title}, none fails, and it is whole or not there`, async (t) => {
    const places = join(freshDir(t), 'run');
    const place = placeOf('one.service', places);
    const other = otherServer(places, act);
    try {
      for (let i = 0; i < 150; i += 1) await makePlace(place, 'A=1\n', SYSTEM, FILES);
    } finally {
      await other.end();
    }
    await makePlace(place, 'A=1\n', SYSTEM, FILES);
    t.deepEqual(readdirSync(place.directory).sort(), ['env', 'root']);
    t.deepEqual(readdirSync(places).length, 1);
  });
}

test('it is made also where the directory of all places is taken away meanwhile', async (t) => {
  const places = join(freshDir(t), 'run');
  const place = placeOf('one.service', places);
  for (let i = 0; i < 30; i += 1) {
    const made = makePlace(place, 'A=1\n', SYSTEM, FILES);
    const removed = new Promise<void>((resolve) => {
      setImmediate(() => {
        try {
          rmSync(places, { recursive: true, force: true });
        } catch {
          // Something came into it meanwhile.
        }
        resolve();
      });
    });
    await t.notThrowsAsync(Promise.all([made, removed]));
  }
});

test('what a server that was killed has left of it goes with the next', async (t) => {
  const places = join(freshDir(t), 'run');
  const place = placeOf('one.service', places);
  // No process has this number: it is above the highest of Linux (proc(5), pid_max).
  mkdirSync(`${place.directory}.4194305.x/root`, { recursive: true });
  mkdirSync(`${place.directory}.${process.pid}.y`, { recursive: true });
  await makePlace(place, '', SYSTEM, FILES);
  t.deepEqual(readdirSync(places).length, 2);
});

test('another environment comes at one moment, or not at all when the place has been taken away', async (t) => {
  const place = placeOf('one.service', freshDir(t));
  t.false(await replaceEnvironment(place, 'A=1'));
  await makePlace(place, 'A=1', SYSTEM, FILES);
  t.true(await replaceEnvironment(place, 'A=2'));
  t.is(readFileSync(place.environment, 'utf8'), 'A=2');
  t.is(statSync(place.environment).mode & 0o777, 0o600);
  await removePlace(place);
  t.false(await replaceEnvironment(place, 'A=3'));
});
