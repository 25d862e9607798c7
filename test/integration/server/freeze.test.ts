import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { alive, fixture, nodeCommand, TestServer } from '../../helpers/server.js';
import { until } from '../../helpers/until.js';

const serially = test.serial;
const host = (id: string) => `${id}.app.localhost`;

const app = (isolation: string, lines = '', env = '') => `
[service.app]
${nodeCommand('freezable.mjs')}
workdir = "work"
isolation = "${isolation}"
read_only_paths = ${JSON.stringify([dirname(fixture('freezable.mjs'))])}
idle_timeout = "300ms"
idle_action = "freeze"
stop_timeout = 20
drain_timeout = 1
${lines}
[service.app.env]
DATA_DIR = "{data_dir}/app/{id}"
${env}
`;

interface Answer {
  readonly pid: number;
  readonly connection: number;
  readonly greeting?: string;
}

interface View {
  readonly id: string;
  readonly state: string;
  readonly health: string;
  readonly memory_bytes: number | null;
  readonly pid: number | null;
}

/** With the admin's token. */
async function api(server: TestServer, path: string, method = 'GET'): Promise<string> {
  const token = readFileSync(join(server.dataDir, 'api_token'), 'utf8').trim();
  const headers = { authorization: `Bearer ${token}` };
  const { status, text } = await server.get('localhost', path, { method, headers });
  if (status >= 300) throw new Error(`${path}: ${status} ${text}`);
  return text;
}

const viewsOf = async (server: TestServer) => JSON.parse(await api(server, '/api/instances?all=1')) as View[];

/** What one instance has written, and what the server says of it. */
class Subject {
  readonly id: string;
  readonly #t: ExecutionContext;
  readonly #server: TestServer;

  constructor(t: ExecutionContext, server: TestServer, id = 'alice') {
    this.#t = t;
    this.#server = server;
    this.id = id;
  }

  async spawn(): Promise<void> {
    const { exitCode, stderr } = await this.#server.ten('spawn', `app:${this.id}`);
    this.#t.is(exitCode, 0, stderr);
  }

  async ask(path = '/', options = {}): Promise<Answer> {
    const reply = await this.#server.get(host(this.id), path, options);
    this.#t.is(reply.status, 200, reply.text);
    return JSON.parse(reply.text) as Answer;
  }

  async view(): Promise<View> {
    const all = await viewsOf(this.#server);
    const view = all.find(({ id }) => id === `app:${this.id}`);
    if (view === undefined) throw new Error(JSON.stringify(all));
    return view;
  }

  async until(state: string): Promise<void> {
    await until(
      () => `${this.id} is ${state}: ${this.#server.output}`,
      async () => (await this.view()).state === state,
    );
  }

  read(name: string): string {
    const path = join(this.#server.dataDir, 'app', this.id, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  starts(): number[] {
    return this.#server.starts('app', this.id);
  }

  /** It does not run: nothing can be waited for here. A freeze that does not hold is found by this in most runs. */
  async rests(): Promise<void> {
    const before = this.read('ticks').length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    this.#t.is(this.read('ticks').length, before);
  }
}

async function serve(t: ExecutionContext, toml: string) {
  const server = await TestServer.start(t, toml);
  const alice = new Subject(t, server);
  await alice.spawn();
  return { server, alice };
}

/** How often the log says that. */
const count = (server: TestServer, text: string) => server.output.split(text).length - 1;

for (const isolation of ['process', 'namespace']) {
  serially(
    `${isolation}: idle it is frozen, shown so, and the next request gets the same process`,
    async (t) => {
      const { server, alice } = await serve(t, app(isolation));
      const { pid } = await alice.ask();
      await alice.until('frozen');
      await alice.rests();
      const view = await alice.view();
      t.is(view.health, 'sleeping');
      t.true((view.memory_bytes ?? 0) > 0, 'its memory is still measured');
      const { stdout } = await server.ten('ps');
      t.regex(stdout, /app:alice .* frozen /);
      t.regex(await api(server, '/metrics'), /tenement_instances\{[^}]*state="frozen"\} 1/);
      const thaws = count(server, 'frozen -> ready');
      // The first of them stays open: on a slow machine it would be frozen again before the last one comes.
      const { socket } = holdOpen(t, server);
      const answers = await Promise.all(Array.from({ length: 20 }, () => alice.ask()));
      t.deepEqual(new Set(answers.map((answer) => answer.pid)), new Set([pid]));
      t.is(count(server, 'frozen -> ready'), thaws + 1, 'thawed once');
      t.is(alice.starts().length, 1);
      socket.destroy();
      await alice.until('frozen');
    },
  );

  serially(`${isolation}: a stop reaches the frozen app as TERM, and nothing is left`, async (t) => {
    const { server, alice } = await serve(t, app(isolation));
    await alice.until('frozen');
    const { pid } = await alice.view();
    t.is((await server.ten('stop', 'app:alice')).exitCode, 0);
    t.true(existsSync(join(server.dataDir, 'app', 'alice', 'term')));
    t.false(alive(pid ?? 0));
  });

  serially(`${isolation}: the server ends with frozen instances`, async (t) => {
    const { server, alice } = await serve(t, app(isolation));
    await alice.until('frozen');
    await server.stop();
    t.is(server.exitCode, 0, server.output);
    t.true(existsSync(join(server.dataDir, 'app', 'alice', 'term')));
  });

  serially(
    `${isolation}: after a crash of the server the next one finds it frozen, and thaws it`,
    async (t) => {
      const { server, alice } = await serve(t, app(isolation));
      const { pid } = await alice.ask();
      await alice.until('frozen');
      await server.kill();
      await alice.rests();
      await server.run();
      t.is((await alice.view()).state, 'frozen');
      await alice.rests();
      t.is((await alice.ask()).pid, pid);
      await alice.until('frozen');
      await server.kill();
      server.configure(app(isolation).replace(/idle_.*/g, ''));
      await server.run();
      t.is((await alice.ask()).pid, pid, 'also by a server that lets nobody sleep');
    },
  );

  serially(`${isolation}: killed while frozen it is started again`, async (t) => {
    const { alice } = await serve(t, app(isolation));
    await alice.until('frozen');
    process.kill((await alice.view()).pid ?? 0, 'SIGKILL');
    const { pid } = await alice.ask();
    t.is(alice.starts().length, 2);
    t.truthy(pid);
  });

  serially(`${isolation}: 20 that freeze, thaw and are stopped leave nothing`, async (t) => {
    const server = await TestServer.start(t, app(isolation, 'on_demand = "any"\nstartup_timeout = 120'));
    const all = Array.from({ length: 20 }, (_, i) => new Subject(t, server, `i${i}`));
    const each = (work: (one: Subject) => Promise<unknown>) => Promise.all(all.map(work));
    const allFrozen = () =>
      until(
        () => `all are frozen: ${server.output}`,
        async () => (await viewsOf(server)).filter(({ state }) => state === 'frozen').length === all.length,
      );
    await each((one) => one.ask());
    await allFrozen();
    await each((one) => one.ask());
    t.true(all.every((one) => one.starts().length === 1));
    t.log(`${groups(server).length} groups`);
    await allFrozen();
    await each((one) => api(server, `/api/instances/app:${one.id}?forget=1&purge=1`, 'DELETE'));
    t.deepEqual(await viewsOf(server), []);
    t.deepEqual(groups(server), []);
    await server.stop();
    t.deepEqual(mounts(server), []);
  });
}

/** What the names of a server's groups begin with. */
const ownerOf = (server: TestServer) => createHash('sha256').update(server.dataDir).digest('hex').slice(0, 8);

/** Groups of that server's instances, by the hash of its data directory. */
function groups(server: TestServer): string[] {
  const owner = ownerOf(server);
  return ['', 'unified', 'freezer', 'memory'].flatMap((hierarchy) => {
    const directory = join('/sys/fs/cgroup', hierarchy, 'tenement');
    return existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith(owner)) : [];
  });
}

/** Those that tell of the server: other tests mount, too. */
function mounts(server: TestServer): string[] {
  const all = existsSync('/proc/self/mounts') ? readFileSync('/proc/self/mounts', 'utf8').split('\n') : [];
  return all.filter((line) => line.includes(server.directory) || line.includes(ownerOf(server)));
}

/** A request that goes on: meanwhile nobody is frozen. */
function holdOpen(t: ExecutionContext, server: TestServer): { socket: Socket; opened: Promise<unknown> } {
  const socket = connect(server.port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  const opened = once(socket, 'data');
  socket.write(`GET /events HTTP/1.1\r\nHost: ${host('alice')}\r\n\r\n`);
  return { socket, opened };
}

serially('a connection that was kept is not used after the thaw', async (t) => {
  const { server, alice } = await serve(t, app('process', '', 'KEEP_ALIVE_MS = "60000"'));
  const { socket, opened } = holdOpen(t, server);
  await opened;
  // An app that is seen to serve two at once has its connections kept for longer than it takes to be frozen here.
  await Promise.all([alice.ask('/slow'), alice.ask('/slow')]);
  const { connection } = await alice.ask();
  t.is((await alice.ask()).connection, connection, 'it is kept while it runs');
  socket.destroy();
  await alice.until('frozen');
  const after = await alice.ask();
  t.true(after.connection > connection);
});

serially('each order of a customer arrives once, whenever the app gives up idle connections', async (t) => {
  const { alice } = await serve(t, app('process', '', 'KEEP_ALIVE_MS = "200"'));
  await Promise.all([alice.ask('/slow'), alice.ask('/slow')]);
  const orders: string[] = [];
  for (let i = 0; i < 5; i += 1) {
    await alice.until('frozen');
    orders.push(`order ${i}`);
    await alice.ask('/', { method: 'POST', body: `order ${i}` });
  }
  t.deepEqual(alice.read('orders').trim().split('\n'), orders);
  t.is(alice.starts().length, 1);
});

serially(
  'an event stream and an upgrade veto it while a sibling is frozen; their end ends the veto',
  async (t) => {
    const { server } = await serve(t, app('process'));
    const open = { events: '', upgrade: 'Connection: Upgrade\r\nUpgrade: echo\r\n' };
    for (const [kind, fields] of Object.entries(open)) {
      const one = new Subject(t, server, kind);
      await one.spawn();
      const socket = connect(server.port, '127.0.0.1');
      t.teardown(() => socket.destroy());
      let got = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        got += text;
      });
      socket.on('error', () => {});
      socket.write(`GET /${kind} HTTP/1.1\r\nHost: ${host(kind)}\r\n${fields}\r\n`);
      await until('it is open', () => /hello|101 Switching/.test(got));
      const sibling = new Subject(t, server, `sibling-${kind}`);
      await sibling.spawn();
      await sibling.until('frozen');
      t.is((await one.view()).state, 'ready', kind);
      if (kind === 'upgrade') {
        socket.write('still there?');
        await until('the upgrade is answered', () => got.endsWith('still there?'));
      }
      socket.destroy();
      await one.until('frozen');
    }
  },
);

serially('after freeze_timeout it is stopped, and the next request starts it', async (t) => {
  const { server, alice } = await serve(t, app('process', 'freeze_timeout = "200ms"'));
  await alice.until('stopped');
  t.is(count(server, 'ready -> frozen'), 1);
  t.is(count(server, 'frozen -> stopping'), 1);
  t.true(existsSync(join(server.dataDir, 'app', 'alice', 'term')));
  await alice.ask();
  t.is(alice.starts().length, 2);
});

serially('a reload that changes the app ends the old one; who asks gets the new one', async (t) => {
  const { server, alice } = await serve(t, app('process'));
  await alice.until('frozen');
  server.configure(app('process', '', 'GREETING = "new"'));
  t.is((await server.ten('reload')).exitCode, 0, server.output);
  t.is(alice.starts().length, 1, 'nobody has asked yet');
  t.is((await alice.view()).state, 'stopped');
  t.is((await alice.ask()).greeting, 'new');
});

serially('`ten restart` of a frozen instance starts the new process', async (t) => {
  const { server, alice } = await serve(t, app('process'));
  await alice.until('frozen');
  t.is((await server.ten('restart', 'app:alice')).exitCode, 0, server.output);
  t.is(alice.starts().length, 2);
});
