import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { openStore } from '../../../src/state/store.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const storeModule = fileURLToPath(new URL('../../../src/state/store.js', import.meta.url));

/** Runs `body` (JavaScript that has `store` and `n`) in a process of its own; returns what it printed. */
async function inProcess(t: ExecutionContext, dataDir: string, n: number, body: string): Promise<string> {
  const code = `const { openStore } = await import(process.argv[1]);
    const store = openStore(process.argv[2]); const n = Number(process.argv[3]); ${body}; store.close();`;
  const args = ['--input-type=module', '-e', code, storeModule, dataDir, String(n)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  t.is(status, 0);
  return output;
}

test('five processes create the state at once and never share a uid', async (t) => {
  const dataDir = freshDir(t);
  const outputs = await Promise.all(
    [0, 1, 2, 3, 4].map((n) =>
      inProcess(
        t,
        dataDir,
        n,
        `for (let i = 0; i < 20; i += 1) {
           const key = { service: 's' + n, id: 'i' + i };
           store.registry.register(key, 1);
           console.log(store.registry.uidFor(key, [1000, 1099]));
           store.registry.addEvent(key, { at: i, from: 'a', to: 'b', cause: '' });
         }`,
      ),
    ),
  );
  const uids = outputs.flatMap((output) => output.trim().split('\n').map(Number));
  t.deepEqual(
    uids.sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => 1000 + i),
  );
  const store = openStore(dataDir);
  t.teardown(() => store.close());
  t.is(store.registry.all().length, 100);
});

test('what was written is there after the writer was killed', async (t) => {
  const dataDir = freshDir(t);
  const code = `const { openStore } = await import(process.argv[1]);
    const store = openStore(process.argv[2]);
    store.registry.register({ service: 'notes', id: 'alice' }, 1);
    store.registry.saveRef({ service: 'notes', id: 'alice' }, { pid: 7 });
    console.log(store.tokens.create({ kind: 'admin' }, '', 1).token);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, storeModule, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [token] = await once(child.stdout, 'data');
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  const store = openStore(dataDir);
  t.teardown(() => store.close());
  t.deepEqual(store.registry.run({ service: 'notes', id: 'alice' }), { ref: { pid: 7 } });
  t.truthy(store.tokens.verify(String(token).trim(), 2));
});
