import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { buildRoot, cleanEnv, copyExample, send, TEN } from '../../helpers/example-server.js';
import { freePort } from '../../helpers/free-port.js';
import { processesUnder } from '../../helpers/left-processes.js';
import { haveTools } from '../../helpers/require-tool.js';
import { until } from '../../helpers/until.js';

interface QuickStart {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown[]>;
  readonly output: () => string;
}

/** Starts it as `npm start` does. */
function start(t: ExecutionContext, directory: string, port: number): QuickStart {
  const child = spawn(process.execPath, [join(directory, 'quickstart.mjs')], {
    env: { ...cleanEnv(), PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: directory,
  });
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (part: string) => {
      output += part;
    });
  }
  return { child, ended: once(child, 'close'), output: () => output };
}

async function example(t: ExecutionContext): Promise<string> {
  const directory = await copyExample(t, 'notes');
  // quickstart.mjs looks for the build beside examples/.
  symlinkSync(buildRoot, join(dirname(dirname(directory)), 'dist'));
  return directory;
}

async function untilWelcome(t: ExecutionContext, { child, output }: QuickStart): Promise<void> {
  await until(
    () => `the quick start is ready: ${output()}`,
    () => output().includes('Ctrl-C') || child.exitCode !== null,
  );
  t.is(child.exitCode, null, output());
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test.serial(`the quick start says what to try, that works, and ${signal} leaves no process`, async (t) => {
    if (!haveTools(t, 'python3')) return;
    const directory = await example(t);
    const port = await freePort();
    const { child, ended, output: all } = start(t, directory, port);
    await untilWelcome(t, { child, ended, output: all });
    const output = all();
    t.true(output.includes(`http://alice.notes.localhost:${port}\n`));
    t.is(output.match(/^ {2}curl /gm)?.length, 3);
    t.true(output.includes('bin/ten --config examples/notes/tenement.toml spawn notes:carol'));

    const added = await send(port, 'alice.notes.localhost', '/notes', {
      method: 'POST',
      body: '{"text": "buy milk"}',
    });
    t.is(added.status, 201);
    const spawned = await execa(
      TEN[0],
      [TEN[1], '--config', join(directory, 'tenement.toml'), 'spawn', 'notes:carol'],
      { cwd: '/', env: cleanEnv(), extendEnv: false },
    );
    t.true(spawned.stdout.startsWith('Spawned notes:carol'));
    t.is((await send(port, 'carol.notes.localhost', '/notes')).text, '{"notes": []}\n');

    child.kill(signal);
    t.deepEqual(await ended, [0, null], all());
    t.deepEqual(processesUnder(directory), []);
  });
}

for (const [where, second, message] of [
  [
    'with the same data',
    (_: ExecutionContext, first: string) => first,
    /^error: .* is used by another server/m,
  ],
  ['elsewhere, on the same port', example, /^error: .*in use/m],
] as const) {
  test.serial(`a second quick start ${where} says only why it cannot start`, async (t) => {
    if (!haveTools(t, 'python3')) return;
    const directory = await example(t);
    const port = await freePort();
    const first = start(t, directory, port);
    await untilWelcome(t, first);

    const later = start(t, await second(t, directory), port);
    const [code] = await later.ended;
    t.true(typeof code === 'number' && code > 0, `code ${code}: ${later.output()}`);
    t.regex(later.output(), message);
    t.notRegex(later.output(), /Try, in another terminal|http:\/\/alice/);

    first.child.kill('SIGTERM');
    t.deepEqual(await first.ended, [0, null], first.output());
    t.deepEqual(processesUnder(directory), []);
  });
}
