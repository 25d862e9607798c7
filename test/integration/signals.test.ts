// In a process of its own: these are the real signals.
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { execa } from 'execa';

const signals = fileURLToPath(new URL('../../src/signals.js', import.meta.url));

async function run(program: string) {
  const code = `
    import { catchSignals, releaseSignals, stopRequested, untilSignal } from ${JSON.stringify(signals)};
    const send = async (signal) => {
      process.kill(process.pid, signal);
      // Signals arrive with a turn of the event loop.
      for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    };
    const say = (text) => console.log(text);
    ${program}`;
  const result = await execa(process.execPath, ['--input-type=module', '-e', code], { reject: false });
  return { said: result.stdout.split('\n'), exitCode: result.exitCode, signal: result.signal };
}

test('what comes before anybody waits is remembered', async (t) => {
  const { said } = await run(`
    catchSignals();
    await send('SIGHUP');
    await send('SIGHUP');
    say(stopRequested());
    const until = untilSignal(() => say('reload'));
    await send('SIGHUP');
    await send('SIGINT');
    say(stopRequested());
    await send('SIGTERM');
    await send('SIGHUP');
    say(await until);
  `);
  t.deepEqual(said, ['false', 'reload', 'reload', 'true', 'SIGINT']);
});

test('a stop that came before anybody waits: nothing is reloaded any more', async (t) => {
  const { said } = await run(`
    catchSignals();
    await send('SIGHUP');
    await send('SIGTERM');
    await send('SIGHUP');
    say(stopRequested());
    say(await untilSignal(() => say('reload')));
  `);
  t.deepEqual(said, ['true', 'SIGTERM']);
});

test('released, they end the process again', async (t) => {
  const { signal } = await run(`
    catchSignals();
    await send('SIGTERM');
    releaseSignals();
    setInterval(() => {}, 1000);
    await send('SIGTERM');
  `);
  t.is(signal, 'SIGTERM');
});
