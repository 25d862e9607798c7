import test from 'ava';
import { Pump } from '../../../src/logs/pump.js';
import { FakeClock } from '../../helpers/fake-clock.js';

const task = (name: string, turns: number, seen: string[]) => ({
  async turn() {
    seen.push(name);
    turns -= 1;
    return { cost: 100, more: turns > 0 };
  },
});

test('instances take turns: a flood in one delays the others by one chunk', async (t) => {
  const clock = new FakeClock();
  const seen: string[] = [];
  const pump = new Pump(clock, 100_000, (error) => t.fail(String(error)));
  pump.schedule(task('flood', 4, seen));
  pump.schedule(task('quiet', 1, seen));
  await clock.advanceAsync(1000);
  t.deepEqual(seen, ['flood', 'quiet', 'flood', 'flood', 'flood']);
});

test('the rate holds over all', async (t) => {
  const clock = new FakeClock();
  const seen: string[] = [];
  const pump = new Pump(clock, 1000, (error) => t.fail(String(error)));
  pump.schedule(task('flood', 1000, seen));
  await clock.advanceAsync(1010);
  t.is(seen.length, 11, 'one at once, then 100 bytes take 100 ms each');
  pump.stop();
});

test('a failing task is told once and does not stop the others', async (t) => {
  const clock = new FakeClock();
  const seen: string[] = [];
  const errors: unknown[] = [];
  const pump = new Pump(clock, 1000, (error) => errors.push(error));
  pump.schedule({ turn: () => Promise.reject(new Error('disk full')) });
  pump.schedule(task('other', 1, seen));
  await clock.advanceAsync(1000);
  t.is(errors.length, 1);
  t.deepEqual(seen, ['other']);
  pump.schedule(task('later', 1, seen));
  await clock.advanceAsync(1000);
  t.deepEqual(seen, ['other', 'later']);
});
