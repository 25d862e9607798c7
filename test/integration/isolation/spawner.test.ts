/** What can only be seen with a server that is another process: its sudden death, and a server without privileges. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { unreachable } from '../../../isolation/access.js';
import type { Ref } from '../../../isolation/contract.js';
import { closeInheritedFds, createBackends, findRun, probeHost, select } from '../../../isolation/index.js';
import { until } from '../../helpers/until.js';
import { Bench, lives, read, type Teardown } from './bench.js';

closeInheritedFds();
const host = await probeHost();
const SPAWNER = fileURLToPath(new URL('./spawner.js', import.meta.url));
const NOBODY = { uid: 65534, gid: 65534 };

interface Server {
  readonly child: ChildProcess;
  line(): Promise<string>;
}

function serve(t: Teardown, argv: readonly string[]): Server {
  const [file, ...args] = argv;
  const child = spawn(file ?? '', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => {
    child.kill('SIGKILL');
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, line: async () => (await lines.next()).value ?? '' };
}

test('an instance outlives the sudden death of the server that started it, and is adopted by the next', async (t) => {
  const bench = new Bench(t);
  const spec = bench.spec(bench.app('fork-setsid'), { PID_FILE: bench.work('pid'), PORT: '0' });
  const server = serve(t, [process.execPath, SPAWNER, JSON.stringify(spec)]);
  const ref: Ref = JSON.parse(await server.line());
  await until('listening', () => bench.stdout().includes('listening'));
  server.child.kill('SIGKILL');
  await until("the server's end", () => server.child.signalCode !== null);

  t.true(lives(ref.pid));
  if (host.platform === 'linux')
    t.true((await findRun({ run: ref.run, cgroup: undefined }, host)).includes(ref.pid));
  const backend = select(createBackends(host), 'process', host);
  const adoption = await backend.adopt(ref);
  if (adoption.kind !== 'adopted') return t.fail(adoption.kind);
  await adoption.handle.stop({ graceMs: 10_000 });
  t.false(lives(ref.pid));
  t.false(lives(Number(read(bench.work('pid')))));
  t.deepEqual(await findRun({ run: ref.run, cgroup: ref.cgroup }, host), []);
});

test('a second start of an instance whose earlier run lives in its cgroup is refused', async (t) => {
  if (host.cgroupRoot === undefined) {
    t.log('skipped: no cgroup v2 directory is writable here');
    return t.pass();
  }
  const bench = new Bench(t);
  const spec = bench.spec(bench.app('never-listens'));
  const backend = select(createBackends(host), 'process', host);
  const signal = new AbortController().signal;
  const handle = await backend.spawn(spec, signal);
  t.teardown(() => handle.stop({ graceMs: 0 }));
  const error = await t.throwsAsync(backend.spawn({ ...spec, run: 'another' }, signal), {
    code: 'unproven_process',
  });
  t.true(error.message.includes(String(handle.ref.pid)), error.message);
  t.true(lives(handle.ref.pid));
});

test('an app that was moved out of its cgroup is stopped all the same', async (t) => {
  if (host.cgroupRoot === undefined) {
    t.log('skipped: no cgroup v2 directory is writable here');
    return t.pass();
  }
  const bench = new Bench(t);
  const backend = select(createBackends(host), 'process', host);
  const handle = await backend.spawn(
    bench.spec(bench.app('ignore-term'), { PORT: '0' }),
    new AbortController().signal,
  );
  t.teardown(() => handle.stop({ graceMs: 0 }));
  writeFileSync(join(host.cgroupRoot, 'cgroup.procs'), String(handle.ref.pid));
  await handle.stop({ graceMs: 10 });
  t.false(lives(handle.ref.pid));
});

test('a server without privileges starts instances and leaves nothing of them', async (t) => {
  const reason = await whyNotAsNobody();
  if (reason !== undefined) {
    t.log(`skipped: ${reason}`);
    return t.pass();
  }
  const bench = new Bench(t, NOBODY);
  chownSync(bench.directory, NOBODY.uid, NOBODY.gid);
  const { identity: _, ...spec } = bench.spec(bench.app('fork-setsid'), { PID_FILE: bench.work('pid') });
  const drop = [host.tools.setpriv ?? '', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
  const server = serve(t, [...drop, process.execPath, SPAWNER, JSON.stringify(spec)]);
  const ref: Ref = JSON.parse(await server.line());
  await until("the grandchild's pid", () => read(bench.work('pid')) !== '');
  const grandchild = Number(read(bench.work('pid')));
  t.true(lives(grandchild));
  server.child.stdin?.write('\n');
  t.is(await server.line(), 'stopped');
  t.false(lives(ref.pid));
  t.false(lives(grandchild));
});

async function whyNotAsNobody(): Promise<string | undefined> {
  if (!host.root || host.tools.setpriv === undefined) return 'only root with setpriv can become nobody';
  return (
    (await unreachable(process.execPath, NOBODY, 'execute')) ?? (await unreachable(SPAWNER, NOBODY, 'read'))
  );
}
