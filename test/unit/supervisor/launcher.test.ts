import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { key, supervisorWorld } from '../../helpers/supervisor-world.js';

const NOTES = '[service.notes]\ncommand = "app"\nisolation = "process"\n';

/** What a visitor is told of a start that fails. */
async function refusal(world: Awaited<ReturnType<typeof supervisorWorld>>) {
  world.registry.register(key('alice'), 1);
  const lease = world.upstreams.acquire(
    { kind: 'instance', ...key('alice') },
    { signal: new AbortController().signal, hasBody: false },
  );
  return lease.then(
    () => undefined,
    (error: unknown) => (error instanceof TenementError ? error : undefined),
  );
}

test('an env_file that is gone is a failed start, and says which file', async (t) => {
  const error = await refusal(await supervisorWorld(t, `${NOTES}env_file = "/nowhere/notes.env"\n`));
  t.is(error?.code, 'start_failed');
  t.regex(error?.message ?? '', /nowhere\/notes\.env/);
});

test('a symlink in place of its directory is a failed start, with the hint of its cause', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  mkdirSync(join(world.dataDir, 'notes'));
  symlinkSync('/tmp', join(world.dataDir, 'notes', 'alice'));
  const error = await refusal(world);
  t.is(error?.code, 'start_failed');
  t.regex(error?.message ?? '', /is a symlink/);
  t.regex(error?.hint ?? '', /Symlinks below the data directory/);
});

test('a full disk is a failed start at every step', async (t) => {
  const full = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
  for (const step of ['run', 'recordDataPath', 'saveTrace', 'saveRef'] as const) {
    const world = await supervisorWorld(t, NOTES);
    world.registry[step] = () => {
      throw full;
    };
    const error = await refusal(world);
    t.is(error?.code, 'start_failed', step);
    t.regex(error?.hint ?? '', /Free some space/, step);
    t.deepEqual(world.alive(), []);
  }
});

test('a code that belongs to starts stays what it is', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  world.behaviour.set('notes:alice', 'cannot start');
  t.is((await refusal(world))?.message, 'no such command');
});
