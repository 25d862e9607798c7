import test from 'ava';
import { silentLog } from '../../../src/base/log.js';
import { createLogs } from '../../../src/logs/logs.js';
import { FakeClock } from '../../helpers/fake-clock.js';
import { alice, logDir, write } from '../../helpers/log-bench.js';

test('a clock that is set back a little does not change the order of lines; one that was far ahead is believed when it is right', async (t) => {
  const clock = new FakeClock();
  const logs = createLogs({ dir: logDir(t), log: silentLog, clock });
  t.teardown(() => logs.closeAll());
  const files = logs.open(alice);
  const now = clock.now();
  const line = async (text: string, at: number) => {
    clock.now = () => at;
    await write(t, files, `console.log('${text}')`);
    await logs.flush(alice);
  };
  await line('first', now);
  await line('second', now - 5000);
  await line('third', now + 1000);
  const entries = async () => (await logs.query({ stream: 'stdout' }, 10)).map(({ message }) => message);
  t.deepEqual(await entries(), ['first', 'second', 'third']);
  await line('right again', now - 3_600_000);
  const all = await logs.query({ stream: 'stdout' }, 10);
  t.is(all.find(({ message }) => message === 'right again')?.at, now - 3_600_000);
});
