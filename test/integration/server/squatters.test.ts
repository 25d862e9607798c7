import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Ports } from '../../../src/supervisor/ports.js';
import { haveTools } from '../../helpers/require-tool.js';
import { fixture, nodeCommand, TestServer, workbench } from '../../helpers/server.js';

const COUNT = 10;

let untried = 26_000 + (process.pid % 350) * COUNT;

/**
 * The first of some neighbouring ports that nobody uses, below the kernel's ephemeral range. Others for each test: what was closed stays in
 * TIME_WAIT, where it is in the way of a bind() without SO_REUSEADDR.
 */
async function freeRange(): Promise<number> {
  for (;;) {
    const first = untried;
    untried += COUNT;
    const ports = new Ports([first, first + COUNT - 1], first);
    const all = Promise.all(Array.from({ length: COUNT }, () => ports.allocate()));
    if (await all.catch(() => undefined)) return first;
  }
}

for (const isolation of ['process', 'namespace']) {
  test.serial(
    `${isolation}: who listens on all ports is stopped and held, and its sibling starts`,
    async (t) => {
      if (process.geteuid?.() !== 0) {
        t.log('skipped: needs root, for users of their own');
        return t.pass();
      }
      if (isolation === 'namespace' && !haveTools(t, 'unshare', 'nft')) return;
      const first = await freeRange();
      const last = first + COUNT - 1;
      const server = await TestServer.start(
        t,
        `
[settings]
port_range = [${first}, ${last}]
[service.app]
${nodeCommand('world.mjs')}
workdir = "work"
health = "/health"
user = "auto"
isolation = "${isolation}"
stop_timeout = 2
${isolation === 'process' ? '' : `read_only_paths = ["${dirname(fixture('world.mjs'))}"]`}
`,
      );
      // The test's directory is the test's user's alone, and a user that is not isolated goes through it.
      chmodSync(server.directory, 0o755);
      const spawned = await server.ten('spawn', 'app:mallory');
      t.is(spawned.exitCode, 0, spawned.stderr);
      const squat = await server.get('mallory.app.localhost', `/squat?first=${first}&last=${last}`);
      t.is(squat.text, String(COUNT - 1), server.output);

      const sibling = await server.ten('spawn', 'app:bob');
      t.is(sibling.exitCode, 0, `${sibling.stderr} ${server.output}`);
      t.is((await server.get('bob.app.localhost', '/health')).status, 200);

      const refused = await server.get('mallory.app.localhost', '/health');
      t.is(refused.status, 503, 'a request does not wake it again');
      const all = JSON.parse((await server.ten('ps', '--all', '--json')).stdout);
      const row = JSON.stringify(all).match(/\{[^{}]*mallory[^{}]*\}/)?.[0] ?? '';
      t.regex(row, /"state":"stopped"/);
      t.regex(row, /"want":"down"/);
      t.regex(row, /stopped and held: it listened on 9 ports of port_range/);
      t.regex(server.output, /app:mallory is stopped and held: it listened on 9 ports/);
      t.regex(server.output, /-> (draining|stopping)/);
    },
  );
}

/** Has ports, without listening on them, until the test is over. `shares`: by SO_REUSEADDR, which servers set, too. */
async function bindOnly(t: ExecutionContext, ports: readonly number[], shares: boolean): Promise<void> {
  const program = `my @kept; for (@ARGV) {
    socket(my $s, 2, 1, 0) or die; setsockopt($s, 1, 2, pack("i", ${shares ? 1 : 0})) or die;
    bind($s, pack("S n C4 x8", 2, $_, 127, 0, 0, 1)) or die "$!"; push @kept, $s;
  } $| = 1; print "bound\\n"; sleep 600`;
  const child = spawn('/usr/bin/perl', ['-e', program, '--', ...ports.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the ports cannot be bound: perl ended with ${code}`);
  });
  await Promise.race([once(child.stdout, 'data'), ended]);
  ended.catch(() => {});
}

const small = (first: number) => `
[settings]
port_range = [${first}, ${first + 1}]
[service.app]
${nodeCommand('world.mjs')}
workdir = "work"
health = "/health"
isolation = "process"
stop_timeout = 2
`;

test.serial(
  'a port that a stranger has bound without listening is passed over; with the last one gone the error says what to do',
  async (t) => {
    if (!haveTools(t, 'perl')) return;
    const first = await freeRange();
    const server = await TestServer.start(t, small(first));
    await bindOnly(t, [first], false);
    const alice = await server.ten('spawn', 'app:alice');
    t.is(alice.exitCode, 0, alice.stderr);
    t.regex(alice.stdout, new RegExp(`Listening on 127\\.0\\.0\\.1:${first + 1}`));
    const bob = await server.ten('spawn', 'app:bob');
    t.not(bob.exitCode, 0);
    t.regex(bob.stderr, /all ports from \d+ to \d+ are taken: 1 by instances, the others by other programs/);
    t.regex(bob.stderr, /try: .*only bound a port shows in no list.*port_range/);
  },
);

test.serial(
  'whoever shares ports that it has bound keeps no instance from them, nor gets what is for it',
  async (t) => {
    if (!haveTools(t, 'perl')) return;
    const first = await freeRange();
    const server = await TestServer.start(t, small(first));
    await bindOnly(t, [first, first + 1], true);
    for (const id of ['alice', 'bob']) {
      const spawned = await server.ten('spawn', `app:${id}`);
      t.is(spawned.exitCode, 0, spawned.stderr);
      t.is((await server.get(`${id}.app.localhost`, '/health')).status, 200);
    }
  },
);

test.serial(
  'who has the port of a server that crashed is stopped and held, and the next server listens',
  async (t) => {
    if (process.geteuid?.() !== 0) {
      t.log('skipped: needs root, for users of their own');
      return t.pass();
    }
    const server = await TestServer.start(
      t,
      `
[service.app]
${nodeCommand('world.mjs')}
workdir = "work"
health = "/health"
user = "auto"
isolation = "process"
stop_timeout = 2
[instances]
app = ["mallory", "bob"]
`,
    );
    chmodSync(server.directory, 0o755);
    for (const id of ['mallory', 'bob'])
      t.is((await server.get(`${id}.app.localhost`, '/health')).status, 200, server.output);
    const all = JSON.parse((await server.ten('ps', '--all', '--json')).stdout);
    const listen = /"address":"127\.0\.0\.1:(\d+)"/.exec(
      JSON.stringify(all).match(/\{[^{}]*mallory[^{}]*\}/)?.[0] ?? '',
    )?.[1];
    t.truthy(listen, JSON.stringify(all));
    await server.kill();
    const squat = await fetch(`http://127.0.0.1:${listen}/squat?first=${server.port}&last=${server.port}`);
    t.is(await squat.text(), '1');
    await server.run();
    t.is((await server.get('bob.app.localhost', '/health')).status, 200);
    t.is(
      (await server.get('mallory.app.localhost', '/health')).status,
      503,
      'a request does not wake it again',
    );
    t.regex(server.output, /app:mallory is stopped and held: it listened on port \d+, which is the server's/);
  },
);

test.serial('a server that cannot listen ends, also when it has taken over what runs', async (t) => {
  const server = await TestServer.start(t, `${workbench()}[instances]\napp = ["alice"]\n`);
  t.is((await server.get('alice.app.localhost', '/health')).status, 200, server.output);
  await server.kill();
  const stranger = createServer((socket) => socket.destroy());
  stranger.listen(server.port, '127.0.0.1');
  await once(stranger, 'listening');
  await t.throwsAsync(server.run(), { message: /the server ended: .*EADDRINUSE/s });
  await new Promise((resolve) => stranger.close(resolve));
  await server.run();
  t.is((await server.get('alice.app.localhost', '/health')).status, 200, server.output);
});
