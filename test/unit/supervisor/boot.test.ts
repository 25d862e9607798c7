import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Adoption } from '../../../isolation/contract.js';
import { isAlive, readStat } from '../../../isolation/proc.js';
import { TenementError } from '../../../src/base/errors.js';
import {
  adoptRunning,
  registerListed,
  startAll,
  stopOrphans,
  wantedAtBoot,
} from '../../../src/supervisor/boot.js';
import { renewOutdated } from '../../../src/supervisor/outdated.js';
import { digestsOf } from '../../../src/supervisor/started-with.js';
import { FakeHandle } from '../../helpers/fake-handle.js';
import { key, supervisorWorld } from '../../helpers/supervisor-world.js';
import { until } from '../../helpers/until.js';

const NOTES = '[service.notes]\ncommand = "app"\nisolation = "process"\n';

/** A server comes up, and finds the ref that an earlier one saved of `id`. */
async function found(
  t: Parameters<typeof supervisorWorld>[0],
  adoption: (handle: FakeHandle) => Adoption,
  service = 'notes',
) {
  const world = await supervisorWorld(t, `${NOTES}[instances]\nnotes = ["alice"]\n`);
  const handle = new FakeHandle({ address: { host: '127.0.0.1', port: 1 } });
  world.registry.register(key('alice', service), 1);
  world.registry.saveRef(key('alice', service), handle.ref);
  world.adoptions.push(adoption(handle));
  return { world, handle };
}

test('gone: forgotten, then started anew because it is listed', async (t) => {
  const { world } = await found(t, () => ({ kind: 'gone' }));
  await adoptRunning(world.supervisor, world.backends, world.ports);
  t.is(world.registry.run(key('alice')), undefined);
  await registerListed(world.supervisor, world.registration);
  await startAll(world.supervisor, wantedAtBoot(world.supervisor));
  t.deepEqual(world.alive(), ['notes:alice']);
});

test('unproven: left alone, and never a second process', async (t) => {
  const { world, handle } = await found(t, () => ({ kind: 'unproven', reason: 'pid 7 may be it' }));
  await adoptRunning(world.supervisor, world.backends, world.ports);
  world.adoptions.push({ kind: 'unproven', reason: 'pid 7 may be it' });
  const error = await t.throwsAsync(world.operations.spawn(key('alice'), {}), { instanceOf: TenementError });
  t.is(error?.code, 'unproven_process');
  t.regex(error?.message ?? '', /pid 7/);
  t.deepEqual(world.alive(), []);
  t.deepEqual(handle.stops, []);
  t.not(world.registry.run(key('alice')), undefined, 'what is known of it is kept');
});

test('adopted, and its service is no longer configured: stopped', async (t) => {
  const { world, handle } = await found(t, (handle) => ({ kind: 'adopted', handle }), 'former');
  await adoptRunning(world.supervisor, world.backends, world.ports);
  await stopOrphans(world.supervisor);
  t.true(handle.gone);
  t.deepEqual(world.alive(), []);
});

test('adopted, and its port is given to nobody else', async (t) => {
  const { world, handle } = await found(t, (handle) => ({ kind: 'adopted', handle }));
  await adoptRunning(world.supervisor, world.backends, world.ports);
  t.is(world.supervisor.get(key('alice')).handle, handle);
  t.false(world.ports.reserve(1));
});

test('what is held or disabled is not started at boot, although it is listed', async (t) => {
  for (const want of ['down', 'disabled'] as const) {
    const { world } = await found(t, () => ({ kind: 'gone' }));
    world.registry.update(key('alice'), { want });
    await adoptRunning(world.supervisor, world.backends, world.ports);
    await registerListed(world.supervisor, world.registration);
    await startAll(world.supervisor, wantedAtBoot(world.supervisor));
    t.deepEqual(world.alive(), []);
  }
});

/** A start during which the server died: the trace is saved, the ref is not, and the process with a child of its own lives. */
async function stray(t: Parameters<typeof supervisorWorld>[0]) {
  const world = await supervisorWorld(t, NOTES);
  const run = `stray-${process.pid}-${Math.random()}`;
  // Both ignore TERM; the child has lost the marker and is known by its parent only.
  const script = 'trap "" TERM; env -i sleep 300 & echo $!; wait; sleep 300';
  const app: ChildProcess = spawn('/bin/sh', ['-c', script], {
    env: { PATH: process.env.PATH, TENEMENT_RUN: run },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const exited = once(app, 'exit');
  const [line] = app.stdout === null ? [] : await once(app.stdout, 'data');
  const pids = [app.pid ?? 0, Number(String(line))];
  t.teardown(() => {
    for (const pid of pids.filter(lives)) process.kill(pid, 'SIGKILL');
  });
  world.registry.register(key('alice'), 1);
  world.registry.saveTrace(key('alice'), { run, cgroup: undefined });
  return { world, pids, exited };
}

/** One that has ended and that nobody has waited for yet lives no more: process 1 may take its time. */
const lives = (pid: number): boolean => isAlive(readStat(pid));

type World = Awaited<ReturnType<typeof supervisorWorld>>;
const onLinux = process.platform === 'linux' ? test : test.skip;
if (process.platform !== 'linux') console.log('skipped: only Linux tells the children of a traced process');
for (const [when, act] of [
  ['at boot', ({ supervisor, backends, ports }: World) => adoptRunning(supervisor, backends, ports)],
  ['before a start', ({ operations }: World) => operations.spawn(key('alice'), {})],
  ['by a stop', ({ operations }: World) => operations.stop(key('alice'), { hold: false })],
  ['by a disable', ({ operations }: World) => operations.setDisabled(key('alice'), true)],
  ['by a removal', ({ operations }: World) => operations.remove(key('alice'), { purge: true })],
] as const) {
  onLinux(`what only left a trace is ended ${when}`, async (t) => {
    const { world, pids, exited } = await stray(t);
    t.true(pids.every(lives));
    await act(world);
    await exited;
    await until('its child is gone', () => !pids.some(lives));
    t.is(world.registry.run(key('alice'))?.trace, undefined);
    t.deepEqual(world.alive(), when === 'before a start' ? ['notes:alice'] : []);
  });
}

test('neither a stop nor a removal of what cannot be proven says that it is done', async (t) => {
  const { world } = await found(t, () => ({ kind: 'unproven', reason: 'pid 7 may be it' }));
  await adoptRunning(world.supervisor, world.backends, world.ports);
  for (const act of [
    () => world.operations.stop(key('alice'), { hold: false }),
    () => world.operations.remove(key('alice'), { purge: true }),
  ]) {
    world.adoptions.push({ kind: 'unproven', reason: 'pid 7 may be it' });
    await t.throwsAsync(act(), { code: 'unproven_process' });
  }
  t.not(world.registry.get(key('alice')), undefined);
});

test('adopted: what it has run already is its uptime', async (t) => {
  const { world, handle } = await found(t, (handle) => ({ kind: 'adopted', handle }));
  world.clock.stepWall(handle.ref.startedAt + 90_000 - world.clock.now());
  await adoptRunning(world.supervisor, world.backends, world.ports);
  t.is(world.supervisor.get(key('alice')).uptimeMs, 90_000);
});

test('adopted after the clock was set back: its uptime begins anew', async (t) => {
  const { world, handle } = await found(t, (handle) => ({ kind: 'adopted', handle }));
  world.clock.stepWall(handle.ref.startedAt - 90_000 - world.clock.now());
  await adoptRunning(world.supervisor, world.backends, world.ports);
  t.is(world.supervisor.get(key('alice')).uptimeMs, 0);
});

for (const [what, prepare, starts] of [
  ['only because it was listed', async () => {}, false],
  ['and a person has spawned it since', (world) => world.operations.spawn(key('alice'), {}), true],
] as const satisfies readonly (readonly [string, (world: World) => Promise<unknown>, boolean])[]) {
  test(`up when the last server ended, ${what}, and listed no more: ${starts ? 'started' : 'sleeps'}`, async (t) => {
    const last = await supervisorWorld(t, `${NOTES}[instances]\nnotes = ["alice"]\n`);
    await registerListed(last.supervisor, last.registration);
    await startAll(last.supervisor, wantedAtBoot(last.supervisor));
    await prepare(last);
    const row = last.registry.get(key('alice'));
    t.is(row?.want, 'up');

    const world = await supervisorWorld(t, NOTES);
    world.registry.register(key('alice'), 1);
    world.registry.update(key('alice'), row ?? {});
    await startAll(world.supervisor, wantedAtBoot(world.supervisor));
    t.deepEqual(world.alive(), starts ? ['notes:alice'] : []);
    const events = world.registry.events(key('alice'), 10);
    if (starts) t.is(events.at(-1)?.cause, 'it was up when the last server ended');
    else t.like(world.registry.get(key('alice')), { want: 'on-demand', listed: false });
  });
}

test('listed no more, and adopted: it runs on', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  const handle = new FakeHandle({ address: { host: '127.0.0.1', port: 1 } });
  world.registry.register(key('alice'), 1);
  world.registry.update(key('alice'), { want: 'up', listed: true });
  world.registry.saveRef(key('alice'), handle.ref);
  world.adoptions.push({ kind: 'adopted', handle });
  await adoptRunning(world.supervisor, world.backends, world.ports);
  await startAll(world.supervisor, wantedAtBoot(world.supervisor));
  t.is(world.supervisor.get(key('alice')).handle, handle);
  t.like(world.registry.get(key('alice')), { want: 'up', listed: true });
});

test('many are looked at together, each once, and none that fails is in the way of the others', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  const ids = Array.from({ length: 40 }, (_, i) => `c${i}`);
  const runs = new Map<string, string>();
  const handles = new Map<string, FakeHandle>();
  for (const id of ids) {
    const handle = new FakeHandle();
    world.registry.register(key(id), 1);
    world.registry.saveRef(key(id), handle.ref);
    runs.set(handle.ref.run, id);
    handles.set(id, handle);
  }
  const looked: string[] = [];
  let together = 0;
  let most = 0;
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const backend = world.backends.get('process');
  if (backend === undefined) return t.fail();
  const adopt = async ({ run }: { run: string }): Promise<Adoption> => {
    const id = runs.get(run) ?? '';
    looked.push(id);
    together += 1;
    most = Math.max(most, together);
    await held;
    together -= 1;
    const handle = handles.get(id);
    if (id === 'c3' || handle === undefined) throw new Error('the bus is gone');
    return { kind: 'adopted', handle };
  };
  let done = false;
  const adopting = adoptRunning(
    world.supervisor,
    new Map([['process', { ...backend, adopt }]]),
    world.ports,
  ).then(() => {
    done = true;
  });
  await until('several are looked at', () => together > 1);
  t.false(done);
  letGo();
  await adopting;
  t.true(most <= 16, `${most} at once`);
  t.deepEqual([...looked].sort(), [...ids].sort());
  for (const id of ids)
    t.is(world.supervisor.live(key(id))?.handle, id === 'c3' ? undefined : handles.get(id));
  t.not(world.registry.run(key('c3')), undefined, 'the next start asks again');
});

test('the socket or port of one that could not be looked at is left to it', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  const place = join(world.dataDir, '.run', 'abc');
  mkdirSync(place, { recursive: true });
  world.registry.register(key('alice'), 1);
  world.registry.saveRef(key('alice'), { ...new FakeHandle().ref, address: { path: join(place, 's') } });
  const { ref } = new FakeHandle({ address: { host: '127.0.0.1', port: 31_234 } });
  world.registry.register(key('bob'), 1);
  world.registry.saveRef(key('bob'), ref);
  const backend = world.backends.get('process');
  if (backend === undefined) return t.fail();
  const adopt = () => Promise.reject(new Error('the bus is gone'));
  await adoptRunning(world.supervisor, new Map([['process', { ...backend, adopt }]]), world.ports);
  t.true(existsSync(place));
  t.false(world.ports.reserve(31_234));
});

test('of what was adopted, that which runs with other settings is restarted, a few at a time; held ones and others go on', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  const service = world.supervisor.service('notes');
  const found = ['a', 'b', 'same', 'unknown'].map((id) => ({
    id,
    handle: new FakeHandle({ address: world.address }),
  }));
  const other = { ...digestsOf(service), command: 'another', args: 'others' };
  for (const { id, handle } of found) {
    world.registry.register(key(id), 1);
    world.registry.saveRef(key(id), handle.ref);
    world.adoptions.push({ kind: 'adopted', handle });
    // Of an earlier run, which says nothing of this one.
    const run = id === 'unknown' ? 'earlier' : handle.ref.run;
    world.registry.saveStartedWith(key(id), { run, digests: id === 'same' ? digestsOf(service) : other });
  }
  await adoptRunning(world.supervisor, world.backends, world.ports);
  await renewOutdated(world.supervisor);
  const gone = found.filter(({ handle }) => handle.gone).map(({ id }) => id);
  t.deepEqual(gone, ['a', 'b']);
  t.deepEqual(world.alive().sort(), ['notes:a', 'notes:b']);
  const [event] = world.registry.events(key('a'), 10).filter(({ to }) => to === 'stopping');
  t.is(event?.cause, 'other settings: command, args');
  const unknown = found.find(({ id }) => id === 'unknown')?.handle.ref.run;
  t.deepEqual(world.registry.startedWith(key('unknown')), { run: unknown, digests: digestsOf(service) });
});

test('what cannot start with the changed settings stops the rest from being restarted', async (t) => {
  const world = await supervisorWorld(t, NOTES);
  const found = ['a', 'b'].map((id) => ({ id, handle: new FakeHandle({ address: world.address }) }));
  for (const { id, handle } of found) {
    world.registry.register(key(id), 1);
    world.registry.saveRef(key(id), handle.ref);
    world.adoptions.push({ kind: 'adopted', handle });
    world.registry.saveStartedWith(key(id), { run: handle.ref.run, digests: { command: 'another' } });
  }
  world.behaviour.set('notes:a', 'cannot start');
  await adoptRunning(world.supervisor, world.backends, world.ports);
  await renewOutdated(world.supervisor);
  t.deepEqual(
    found.map(({ handle }) => handle.gone),
    [true, false],
  );
});
