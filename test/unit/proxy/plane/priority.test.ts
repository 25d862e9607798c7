import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import test from 'ava';

/** Nice values of all threads of this process (proc(5)). */
function niceValues(): number[] {
  return readdirSync('/proc/self/task').map((tid) => {
    const stat = readFileSync(`/proc/self/task/${tid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });
}

test('the thread that asks for it is preferred, and no other one', async (t) => {
  if (process.platform !== 'linux') return void t.log('skipped: only Linux has priorities of threads');
  const before = getPriority();
  const module = new URL('../../../../src/proxy/plane/priority.js', import.meta.url).href;
  const program = `import('${module}').then(({ preferThisThread }) => {
    preferThisThread();
    require('node:worker_threads').parentPort.postMessage('done');
  }); setInterval(() => {}, 1000);`;
  const worker = new Worker(program, { eval: true });
  t.teardown(() => worker.terminate());
  await once(worker, 'message');
  const preferred = niceValues().filter((nice) => nice === -5);
  t.is(getPriority(), before, 'this thread is as it was');
  if (process.getuid?.() === 0 && before !== -5) t.is(preferred.length, 1);
});
