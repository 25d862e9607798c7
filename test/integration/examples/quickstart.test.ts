import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { buildRoot, cleanEnv, copyExample, send, TEN } from '../../helpers/example-server.js';
import { freePort } from '../../helpers/free-port.js';
import { processesUnder } from '../../helpers/left-processes.js';
import { haveTools } from '../../helpers/require-tool.js';
import { until } from '../../helpers/until.js';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test.serial(`the quick start says what to try, that works, and ${signal} leaves no process`, async (t) => {
    if (!haveTools(t, 'python3')) return;
    const directory = copyExample(t, 'notes');
    // quickstart.mjs looks for the build beside examples/.
    symlinkSync(buildRoot, join(dirname(dirname(directory)), 'dist'));
    const port = await freePort();
    const child = spawn(process.execPath, [join(directory, 'quickstart.mjs')], {
      env: { ...cleanEnv(), PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: directory,
    });
    t.teardown(() => child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (part: string) => {
        output += part;
      });
    }
    await until(
      () => `the quick start is ready: ${output}`,
      () => output.includes('Ctrl-C') || child.exitCode !== null,
    );
    t.is(child.exitCode, null, output);
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
    t.deepEqual(await ended, [0, null], output);
    t.deepEqual(processesUnder(directory), []);
  });
}
