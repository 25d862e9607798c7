/** What every backend has to do, tested from outside with real processes. A backend's test file runs it once for each way it can work. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext, SerialFn } from 'ava';
import type {
  Backend,
  Host,
  Identity,
  InstanceName,
  Network,
  Ref,
  Trace,
} from '../../../isolation/contract.js';
import { findRun } from '../../../isolation/leftovers.js';
import { childrenOf, findProcesses, readStat } from '../../../isolation/proc.js';
import { TenementError } from '../../../src/base/errors.js';
import { freePort } from '../../helpers/free-port.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { until } from '../../helpers/until.js';
import { Bench, groupExists, lives, read, start } from './bench.js';

export interface Variant {
  readonly name: string;
  readonly backend: Backend;
  readonly host: Host;
  /** A new user for each test, who shares nothing with others. */
  readonly newIdentity?: () => Identity;
  /** Whether a grandchild that has left session, parent and environment is found (cgroup, own uid). */
  readonly findsEverything: boolean;
  /** Those that it can give; default: the machine's. */
  readonly networks?: readonly Network[];
  /** How it ends is told whoever started it: something else than its parent knows. */
  readonly tellsEveryExit?: boolean;
  /** It can be given no listening socket of the server's. */
  readonly takesNoSocket?: boolean;
  /** systemd gives it a listening socket, at this path, and the variables that tell of it (sd_listen_fds(3)). */
  readonly givenSocket?: (name: InstanceName) => string;
  /** It is in a network of its own, and in its group something waits until it listens there. */
  readonly awaitsPort?: boolean;
  /** Without perl nothing passes connections on to a port in a network of its own. */
  readonly cannotForward?: boolean;
  /** Nothing of it outlives its main process. */
  readonly endsTogether?: boolean;
  /** Its user counts as 0 in there. */
  readonly rootInside?: boolean;
}

export function conformance(test: SerialFn, variant: Variant): void {
  const { backend, host } = variant;
  const title = (text: string): string => `${variant.name}: ${text}`;

  test(title('an exit code is reported'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const handle = await start(t, backend, bench.spec(bench.app('exit-at-once'), { EXIT_CODE: '7' }));
    const exit = await handle.exited;
    t.like(exit, { code: 7, signal: null, unknown: false, oom: false });
    t.regex(bench.stderr(), /cannot open the database/);
  });

  test(title('a deadly signal is reported'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const handle = await start(t, backend, bench.spec(bench.app('never-listens')));
    process.kill(handle.ref.pid, 'SIGKILL');
    t.like(await handle.exited, { code: null, signal: 'SIGKILL' });
  });

  test(title('the environment is exactly what was given, and the marker of the run'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const env = {
      EMPTY: '',
      QUOTES: 'a "b" \'c\' $D `e`\\\n second line',
      UTF8: 'ä€😀',
      IFS: 'x',
      _: '1',
      UID: '5',
      SHLVL: '9',
      OPTIND: 'z',
    };
    const spec = bench.spec(bench.app('report'), env);
    const handle = await start(t, backend, spec);
    t.like(await handle.exited, { code: 0 });
    const seen = JSON.parse(bench.stdout()).env;
    if (variant.givenSocket !== undefined) {
      t.like(seen, { LISTEN_FDS: '1' });
      for (const name of ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) delete seen[name];
    }
    t.deepEqual(seen, { ...spec.env, TENEMENT_RUN: spec.run });
  });

  test(title('directory, arguments and user are those of the spec'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const [node, script] = bench.app('report');
    const args = ['', 'a b', '$HOME', '-n', 'x=y'];
    const spec = bench.spec([node, script ?? '', ...args]);
    await (await start(t, backend, spec)).exited;
    const report = JSON.parse(bench.stdout());
    const uid = variant.rootInside ? 0 : (spec.identity?.uid ?? process.getuid?.());
    t.like(report, { cwd: spec.directory, argv: args, uid });
    if (spec.identity === undefined) return;
    t.is(report.gid, spec.identity.gid);
    t.deepEqual(report.groups, [spec.identity.gid]);
    t.regex(report.status, /^NoNewPrivs:\s+1$/m);
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      t.regex(report.status, new RegExp(`^${set}:\\s+0+$`, 'm'));
    }
  });

  const fds = ['0', '1', '2', ...(variant.givenSocket === undefined ? [] : ['3'])];
  test(title(`only fds ${fds.join(', ')} are open`), async (t) => {
    if (host.platform !== 'linux') return skip(t, 'needs /proc');
    const bench = new Bench(t, variant.newIdentity?.());
    await (await start(t, backend, bench.spec(['sh', '-c', 'ls /proc/$$/fd; :']))).exited;
    t.deepEqual(bench.stdout().trim().split(/\s+/), fds);
  });

  test(title('output is appended to the log files, each stream to its own'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    for (const n of [1, 2]) {
      await (await start(t, backend, bench.spec(['sh', '-c', `echo out${n}; echo err${n} >&2`]))).exited;
    }
    t.is(bench.stdout(), 'out1\nout2\n');
    t.is(bench.stderr(), 'err1\nerr2\n');
  });

  for (const [what, command, code] of [
    ['is not on PATH', 'no-such-program', 'start_failed'],
    ['does not exist', './no-such-program', 'start_failed'],
    ['is not executable', '/etc/passwd', 'start_failed'],
    ['is a directory', '/etc', 'start_failed'],
  ] as const) {
    test(title(`a command that ${what} is refused, and nothing is left`), async (t) => {
      const bench = new Bench(t, variant.newIdentity?.());
      const spec = bench.spec([command]);
      const error = await t.throwsAsync(start(t, backend, spec), { instanceOf: TenementError });
      t.is(error.code, code);
      t.true(error.message.includes(command.replace('./', '')), error.message);
      t.false(groupExists(host, spec));
    });
  }

  test(title('an aborted start leaves nothing'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const spec = bench.spec(bench.app('never-listens'));
    const abort = new AbortController();
    const starting = backend.spawn(spec, abort.signal);
    abort.abort(new Error('not wanted any more'));
    await t.throwsAsync(starting, { message: 'not wanted any more' });
    t.false(groupExists(host, spec));
  });

  test(title('TERM reaches the app, which may end in its own way'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const handle = await start(t, backend, bench.spec(bench.app('slow-term'), { PORT: '0', TERM_MS: '50' }));
    await until('listening', () => bench.stdout().includes('listening'));
    await handle.stop({ graceMs: 20_000 });
    t.regex(bench.stdout(), /TERM seen/);
    t.like(await handle.exited, { code: 0, signal: null });
  });

  test(
    title('an app that ignores TERM is killed after the grace, and stop may be called at any time by anyone'),
    async (t) => {
      const bench = new Bench(t, variant.newIdentity?.());
      const spec = bench.spec(bench.app('ignore-term'), { PORT: '0' });
      const handle = await start(t, backend, spec);
      await until('listening', () => bench.stdout().includes('listening'));
      const asked = performance.now();
      await Promise.all([handle.stop({ graceMs: 2_000 }), handle.stop({ graceMs: 3_000 })]);
      // That the TERM comes is seen below, where the grace is longer than any machine takes for it.
      t.true(performance.now() - asked >= 2_000, 'it has its grace');
      t.like(await handle.exited, { signal: 'SIGKILL' });
      await handle.stop({ graceMs: 20_000 });
      t.false(lives(handle.ref.pid));
      t.false(groupExists(host, spec));
    },
  );

  test(title('a second stop can bring the end forward'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const handle = await start(t, backend, bench.spec(bench.app('ignore-term'), { PORT: '0' }));
    await until('listening', () => bench.stdout().includes('listening'));
    // If the second call had to wait for the first, the test would run into ava's timeout.
    const first = handle.stop({ graceMs: 600_000 });
    await until('it has ignored TERM', () => bench.stdout().includes('TERM ignored'));
    t.true(lives(handle.ref.pid));
    await handle.stop({ graceMs: 0 });
    await first;
    t.false(lives(handle.ref.pid));
  });

  const forgetful = variant.findsEverything
    ? [{ FORGET_ENV: '' }, { FORGET_ENV: '1' }]
    : [{ FORGET_ENV: '' }];
  for (const forget of forgetful) {
    const kind = forget.FORGET_ENV ? 'with an empty environment ' : '';
    test(title(`a grandchild of its own session ${kind}is gone after stop`), async (t) => {
      if (host.platform !== 'linux') return skip(t, 'macOS finds the process group only');
      const bench = new Bench(t, variant.newIdentity?.());
      const spec = bench.spec(bench.app('fork-setsid'), { PID_FILE: bench.work('pid'), ...forget });
      const handle = await start(t, backend, spec);
      const grandchild = await forked(bench);
      t.true(lives(grandchild));
      await handle.stop({ graceMs: 20_000 });
      t.false(lives(grandchild));
      t.false(groupExists(host, spec));
    });

    test(title(`a grandchild of its own session ${kind}is gone after the app's exit and stop`), async (t) => {
      if (host.platform !== 'linux') return skip(t, 'macOS finds the process group only');
      const bench = new Bench(t, variant.newIdentity?.());
      const env = { PID_FILE: bench.work('pid'), THEN_EXIT: '1', ...forget };
      const handle = await start(t, backend, bench.spec(bench.app('fork-setsid'), env));
      t.like(await handle.exited, { code: 0 });
      if (variant.endsTogether) {
        await until('it is over', async () => (await findRun(trace(handle.ref), host)).length === 0);
        return t.pass();
      }
      const grandchild = await forked(bench);
      t.true(lives(grandchild));
      await handle.stop({ graceMs: 20_000 });
      t.false(lives(grandchild));
    });
  }

  test(title('the same process is adopted, watched and stopped'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const spec = bench.spec(bench.app('fork-setsid'), { PID_FILE: bench.work('pid') });
    const first = await start(t, backend, spec);
    const grandchild = await forked(bench);
    const adoption = await backend.adopt(saved(first.ref));
    if (adoption.kind !== 'adopted') return t.fail(adoption.kind);
    t.is(adoption.handle.ref.pid, first.ref.pid);
    await adoption.handle.stop({ graceMs: 20_000 });
    if (!variant.tellsEveryExit)
      t.like(await adoption.handle.exited, { unknown: true, code: null, signal: null });
    else t.like(await adoption.handle.exited, { unknown: false, signal: 'SIGTERM' });
    t.false(lives(first.ref.pid));
    if (host.platform === 'linux') t.false(lives(grandchild));
    t.deepEqual(await backend.adopt(saved(first.ref)), { kind: 'gone' });
  });

  test(title('an adopted app that ends by itself is noticed; a detached handle lets it live'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const first = await start(t, backend, bench.spec(bench.app('never-listens')));
    const adoption = await backend.adopt(saved(first.ref));
    if (adoption.kind !== 'adopted') return t.fail(adoption.kind);
    const other = await backend.adopt(saved(first.ref));
    if (other.kind !== 'adopted') return t.fail(other.kind);
    other.handle.detach();
    t.true(lives(first.ref.pid));
    process.kill(first.ref.pid, 'SIGKILL');
    t.is((await adoption.handle.exited).unknown, variant.tellsEveryExit !== true);
  });

  test(
    title('a pid that is another process now, or of another boot, is not adopted and not touched'),
    async (t) => {
      const bench = new Bench(t, variant.newIdentity?.());
      const other = await start(t, backend, bench.spec(bench.app('never-listens')));
      const { init: _init, guard: _guard, ...own } = saved(other.ref);
      const ref = { ...own, run: 'an-earlier-run', cgroup: undefined, exclusive: false };
      t.deepEqual(await backend.adopt({ ...ref, startTime: '1' }), { kind: 'gone' });
      if (host.bootId !== '')
        t.deepEqual(await backend.adopt({ ...ref, bootId: 'another' }), { kind: 'gone' });
      t.true(lives(other.ref.pid));
    },
  );

  test(title('leftovers of a run whose main process has ended are ended at adoption'), async (t) => {
    if (host.platform !== 'linux') return skip(t, 'macOS finds the process group only');
    const bench = new Bench(t, variant.newIdentity?.());
    const env = { PID_FILE: bench.work('pid'), THEN_EXIT: '1' };
    const first = await start(t, backend, bench.spec(bench.app('fork-setsid'), env));
    await first.exited;
    if (variant.endsTogether) return t.deepEqual(await backend.adopt(saved(first.ref)), { kind: 'gone' });
    const grandchild = await forked(bench);
    t.deepEqual(await backend.adopt(saved(first.ref)), { kind: 'gone' });
    t.false(lives(grandchild));
  });

  test(title('own listeners are told from strangers'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const port = await freePort();
    const handle = await start(
      t,
      backend,
      bench.spec(bench.app('listen-late'), { PORT: String(port), LATE_MS: '1' }),
    );
    if (handle.listener === undefined) return skip(t, 'this system cannot tell who listens');
    await until('own listener', async () => (await handle.listener?.()) === 'own');
    await handle.stop({ graceMs: 20_000 });
    t.is(await handle.listener(), 'none');

    const stranger = createServer();
    t.teardown(() => new Promise((resolve) => stranger.close(() => resolve())));
    await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve));
    const second = await start(t, backend, bench.spec(bench.app('never-listens'), { PORT: String(port) }));
    t.is(await second.listener?.(), variant.awaitsPort ? 'none' : 'stranger');
  });

  for (const network of variant.networks ?? (['host'] as const)) {
    const where = variant.givenSocket === undefined ? 'in its own directory' : 'that systemd gives it';
    test(title(`network ${network}: what listens on a socket ${where} is reached`), async (t) => {
      const bench = new Bench(t, variant.newIdentity?.());
      const own = bench.work('s');
      const given = bench.spec(bench.app('listen'), { SOCKET_PATH: own });
      const path = variant.givenSocket?.(given) ?? own;
      const spec = { ...given, address: { path }, network };
      await start(t, backend, spec);
      await until('listening', () => bench.stdout().includes('listening'));
      const socket = connect({ path });
      t.teardown(() => socket.destroy());
      await once(socket, 'connect');
      socket.end('GET / HTTP/1.0\r\n\r\n');
      t.regex(`${await once(socket, 'data')}`, /^HTTP\/1.1 200 /);
    });
  }

  const passing = variant.takesNoSocket ? [] : (variant.networks ?? (['host'] as const));
  for (const network of passing) {
    test(title(`network ${network}: what listens on a socket that it was given is reached`), async (t) => {
      const bench = new Bench(t, variant.newIdentity?.());
      const path = join(freshDir(t), 's');
      const places = network === 'host' ? [{ path }, { host: '127.0.0.1', port: 0 }] : [{ path }];
      for (const place of places) {
        const server = createServer();
        await new Promise<void>((resolve) => server.listen(place, resolve));
        const address = 'path' in place ? place : (server.address() as AddressInfo);
        const spec = { ...bench.spec(bench.app('listen')), socket: server, network };
        await start(t, backend, { ...spec, address: { host: '127.0.0.1', ...address } });
        // Node removes the path of what it has listened on.
        if ('path' in place) await rename(path, `${path}.kept`);
        server.close();
        const socket = connect(
          'path' in place ? { path: `${path}.kept` } : { port: (address as AddressInfo).port },
        );
        t.teardown(() => socket.destroy());
        socket.write('GET / HTTP/1.0\r\n\r\n');
        t.regex(`${await once(socket, 'data')}`, /^HTTP\/1.1 200 /);
      }
    });
  }

  for (const network of passing.filter((own) => own !== 'host' && !variant.cannotForward)) {
    test(
      title(`network ${network}: an app that knows only a port is reached, once it listens`),
      async (t) => {
        const bench = new Bench(t, variant.newIdentity?.());
        const path = join(freshDir(t), 's');
        const server = createServer();
        await new Promise<void>((resolve) => server.listen({ path: `${path}~` }, resolve));
        // Node removes the path of what it has listened on.
        await rename(`${path}~`, path);
        const env = { PORT: '8080', LATE_FILE: bench.work('go') };
        const spec = { ...bench.spec(bench.app('listen-late'), env), address: { path }, socket: server };
        const starting = start(t, backend, { ...spec, forwardTo: 8080, network });
        // Or it would take part of the connections.
        const handle = await starting.finally(() => server.close());
        await until('it runs', () => bench.stdout().includes('not listening'));
        t.is(await handle.listener?.(), 'none');
        t.true(lives(handle.ref.pid));
        writeFileSync(bench.work('go'), '');
        await until('own listener', async () => (await handle.listener?.()) === 'own');
        const answers = Array.from({ length: 20 }, () => answerAt(t, path));
        for (const answer of await Promise.all(answers))
          t.regex(answer, /^HTTP\/1.1 200 [\s\S]*\r\n\r\n\d+\n$/);
        const adoption = await backend.adopt(saved(handle.ref));
        if (adoption.kind !== 'adopted') return t.fail(adoption.kind);
        t.is(await adoption.handle.listener?.(), 'own');
        t.teardown(() => adoption.handle.detach());
        t.deepEqual(
          await findRun(trace(handle.ref), host).then((pids) => pids.includes(handle.ref.pid)),
          true,
        );
        await handle.stop({ graceMs: 20_000 });
        t.is(await handle.listener?.(), 'none');
        t.deepEqual(await findRun(trace(handle.ref), host), []);
      },
    );
  }

  for (const network of passing.filter((own) => own !== 'host' && !variant.cannotForward)) {
    for (const part of ['tenement-fwd', 'tenement-guard']) {
      test(
        title(`network ${network}: it ends with what passes connections on to it (${part})`),
        async (t) => {
          const handle = await forwarded(t, undefined, network);
          // Their environment, by which the rest of a run is found, may be closed to who is not root.
          const guard = readStat(handle.ref.pid)?.ppid ?? 0;
          const inside = [guard, ...childrenOf(guard)];
          const named = (name: string) => inside.find((pid) => read(`/proc/${pid}/comm`) === `${name}\n`);
          const [one, forwarder] = [named(part), named('tenement-fwd')];
          if (one === undefined || forwarder === undefined) return t.fail('no such process');
          process.kill(one, 'SIGKILL');
          t.false((await handle.exited).code === 0);
          await until('both have ended', () => !lives(handle.ref.pid) && !lives(forwarder));
          await handle.stop({ graceMs: 0 });
          t.deepEqual(await findRun(trace(handle.ref), host), []);
        },
      );
    }

    test(
      title(`network ${network}: behind a guard, too, it is the app that is signalled and whose end is told`),
      async (t) => {
        const handle = await forwarded(t, undefined, network);
        t.regex(read(`/proc/${handle.ref.pid}/cmdline`), /never-listens/);
        process.kill(handle.ref.pid, 'SIGKILL');
        t.like(await handle.exited, { code: null, signal: 'SIGKILL' });
        // What passes connections on is told to end by the kernel, and may not have got to it yet.
        await until('nothing is left', async () => (await findRun(trace(handle.ref), host)).length === 0);
        const exits = await forwarded(t, 'process.exit(42)', network);
        t.is((await exits.exited).code, 42);
        if (variant.newIdentity === undefined) return;
        // What it sends to its whole group is its own matter.
        const group = await forwarded(
          t,
          'setInterval(() => {}, 1e6); process.on("SIGTERM", () => setTimeout(() => process.exit(7), 200)); process.kill(0, "SIGTERM")',
          network,
        );
        t.like(await group.exited, { code: 7, signal: null });
      },
    );
  }

  /** `code`: JavaScript; without it an app that lives and does not listen. */
  async function forwarded(t: ExecutionContext, code: string | undefined, network: Network) {
    const bench = new Bench(t, variant.newIdentity?.());
    const path = join(freshDir(t), 's');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ path }, resolve));
    const command =
      code === undefined ? bench.app('never-listens') : ([process.execPath, '-e', code] as const);
    const spec = { ...bench.spec(command), address: { path }, socket: server };
    const starting = start(t, backend, { ...spec, forwardTo: 8080, network });
    const handle = await starting.finally(() => server.close());
    if (code === undefined) await until('it runs', () => bench.stdout().includes('not listening'));
    return handle;
  }

  test(title('what it uses is told'), async (t) => {
    const bench = new Bench(t, variant.newIdentity?.());
    const handle = await start(t, backend, bench.spec(bench.app('never-listens')));
    if (handle.stats === undefined) return skip(t, 'no stats on this system');
    await until('running', () => bench.stdout().includes('not listening'));
    const stats = await handle.stats();
    t.true(stats.memoryBytes > 2 ** 20, `memory ${stats.memoryBytes}`);
    if (!variant.awaitsPort) t.is(stats.tasks, 1);
    t.true(stats.cpuSecs >= 0);
  });
}

/** What a client that half-closes after its request gets. */
async function answerAt(t: ExecutionContext, path: string): Promise<string> {
  const socket = connect({ path, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.end('GET / HTTP/1.0\r\n\r\n');
  await once(socket, 'end');
  return text;
}

/** The grandchild's pid as this machine counts: in there it may be another. Its command line names its file, its last NSpid is what it wrote. */
async function forked(bench: Bench): Promise<number> {
  const file = bench.work('pid');
  await until("the grandchild's pid", () => read(file) !== '');
  const isIt = new RegExp(`^NSpid:.*\\s${Number(read(file))}$`, 'm');
  if (process.platform !== 'linux') return Number(read(file));
  const [found] = await findProcesses(
    ({ pid }) =>
      read(`/proc/${pid}/cmdline`).includes(`\0${file}\0`) && isIt.test(read(`/proc/${pid}/status`)),
  );
  return found?.pid ?? 0;
}

function trace(ref: Ref): Trace {
  return { run: ref.run, cgroup: ref.cgroup };
}

/** As it comes back from the state database. */
function saved(ref: Ref): Ref {
  return JSON.parse(JSON.stringify(ref));
}

function skip(t: { log(text: string): void; pass(): void }, reason: string): void {
  t.log(`skipped: ${reason}`);
  t.pass();
}
