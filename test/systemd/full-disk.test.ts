/** A server whose data directory is on a disk that is full, or cannot be written any more. */
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { TestServer, workbench } from '../helpers/server.js';

const text = `[settings]\ndata_dir = "disk/data"\n${workbench('app', 'on_demand = "any"')}`;

/** With a small disk of its own, that is there when it starts. */
async function started(t: ExecutionContext): Promise<{ server: TestServer; disk: string }> {
  const server = await TestServer.start(t, workbench());
  await server.stop();
  const disk = join(server.directory, 'disk');
  mkdirSync(disk);
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk]);
  t.teardown(async () => {
    await server.stop();
    await execa('umount', ['--lazy', disk], { reject: false });
  });
  server.configure(text);
  await server.run();
  return { server, disk };
}

function fill(disk: string): string {
  const path = join(disk, 'filler');
  const file = openSync(path, 'a');
  for (const block of [65_536, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(block));
    } catch {
      // Full.
    }
  }
  closeSync(file);
  return path;
}

test.serial('a full disk is told as that by every command, and nothing is held against an app', async (t) => {
  const { server, disk } = await started(t);
  const visit = () => server.get('alice.app.localhost', '/health');
  t.is((await visit()).status, 200, server.output);
  t.is((await server.ten('stop', 'app:alice')).exitCode, 0);
  const filler = fill(disk);
  let refused = 0;
  const commands = [
    ['spawn', 'app:bob'],
    ['env', 'set', 'app:alice', `BIG=${'x'.repeat(9000)}`],
    ['token-gen'],
    ['disable', 'app:alice'],
    ['enable', 'app:alice'],
    ['spawn', 'app:alice'],
    ['stop', 'app:alice'],
  ];
  for (let round = 0; round < 3; round += 1) {
    for (const command of commands) {
      const { exitCode, stderr } = await server.ten(...command);
      if (exitCode === 0) continue;
      refused += 1;
      t.regex(stderr, /disk is full/, command.join(' '));
      t.regex(stderr, /try: .*[Ff]ree some space/, command.join(' '));
      t.notRegex(stderr, /inside tenement|report it/);
    }
    t.true([200, 500, 502].includes((await visit()).status));
  }
  t.true(refused > 5, `${refused}; ${server.output.slice(-3000)}`);
  rmSync(filler);
  await server.ten('enable', 'app:alice');
  for (const id of ['alice', 'bob']) {
    const { exitCode, stderr } = await server.ten('spawn', `app:${id}`);
    t.is(exitCode, 0, `${stderr}; ${server.output.slice(-3000)}`);
  }
  t.is((await visit()).status, 200);
});

test.serial('where the data directory is read-only the start says so', async (t) => {
  const { server, disk } = await started(t);
  await server.stop();
  await execa('mount', ['-o', 'remount,ro', disk]);
  const { exitCode, stderr } = await server.ten('serve', '--port', '0');
  t.is(exitCode, 1);
  t.regex(stderr, /file system is read-only/);
  t.regex(stderr, /try: .*[Mm]ount/);
});
