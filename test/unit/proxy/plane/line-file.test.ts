import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LineFile } from '../../../../src/proxy/plane/line-file.js';
import { freshDir } from '../../../helpers/fresh-dir.js';
import { patience } from '../../../helpers/patience.js';
import { eventually } from '../../../helpers/raw-http.js';

/** What a busy machine may take to write it all, which a server that ends does not wait for. */
const WITHIN_MS = patience(60_000);

function open(t: ExecutionContext, path: string): { file: LineFile; problems: string[] } {
  const problems: string[] = [];
  const file = new LineFile(path, (problem) => problems.push(problem));
  t.teardown(() => file.close());
  return { file, problems };
}

test('lines of all lengths arrive once and in order', async (t) => {
  const path = join(freshDir(t), 'lines');
  const { file, problems } = open(t, path);
  let all = '';
  for (let i = 0; i < 3000; i += 1) {
    // Some longer than any buffer, some that just do not fit any more.
    const line = `${i} ${'x'.repeat(i % 500 === 7 ? 70_000 : (i * 37) % 900)}\n`;
    all += line;
    file.write(line);
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await file.close(WITHIN_MS);
  t.true(readFileSync(path, 'latin1') === all);
  t.deepEqual(problems, []);
});

test('what came before a reopening is not lost, and what comes after it is in the new file', async (t) => {
  const path = join(freshDir(t), 'lines');
  const { file } = open(t, path);
  file.write('one\n');
  file.reopen();
  await eventually(
    () => readFileSync(path, { encoding: 'latin1', flag: 'a+' }) === 'one\n',
    'the first line',
  );
  renameSync(path, `${path}.1`);
  file.reopen();
  file.write('two\n');
  await file.close(WITHIN_MS);
  t.is(readFileSync(`${path}.1`, 'latin1'), 'one\n');
  t.is(readFileSync(path, 'latin1'), 'two\n');
});

test('what cannot be written is dropped and told, and memory stays bounded', async (t) => {
  const { file, problems } = open(t, join(freshDir(t), 'missing', 'lines'));
  const line = `${'x'.repeat(60_000)}\n`;
  for (let i = 0; i < 300; i += 1) file.write(line);
  t.true(
    problems.some((problem) => problem.includes('dropped')),
    'more than is kept',
  );
  await file.close(WITHIN_MS);
  t.true(problems.some((problem) => problem.includes('cannot be written')));
});
