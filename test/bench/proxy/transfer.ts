/** One large download and one large upload at a time, by curl. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Contestant, cpuOf, rotated } from './contestant.js';
import type { TransferSample } from './results.js';
import { LOAD_CORE, type Setting } from './setting.js';
import { FILES_HOST, LARGE, SINK_HOST } from './sites.js';

export async function measureTransfers(
  { processes, dir, options }: Setting,
  contestants: readonly Contestant[],
  tell: (text: string) => void,
): Promise<TransferSample[]> {
  const bytes = options.largeBytes;
  const file = join(dir, 'upload');
  writeFileSync(file, '');
  truncateSync(file, bytes);
  const curl = async (host: string, url: string, argv: readonly string[]) => {
    const format = '\n%{http_code} %{size_download} %{size_upload} %{time_total}';
    const text = await processes.run(
      ['curl', '-sS', '--max-time', '120', '-H', `Host: ${host}`, '-w', format, ...argv, url],
      { cwd: dir, cores: LOAD_CORE },
    );
    const [body = '', figures = ''] = text.split('\n').slice(-2);
    const [status, down = 0, up = 0, seconds = 0] = figures.split(' ').map(Number);
    return { body, status, down, up, seconds };
  };
  const samples: TransferSample[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const direction of ['down', 'up'] as const) {
      for (const one of rotated(contestants, round)) {
        const origin = `http://127.0.0.1:${one.port}`;
        const before = cpuOf(one);
        const done =
          direction === 'down'
            ? await curl(FILES_HOST, origin + LARGE.path, ['-o', '/dev/null'])
            : // Without Expect: waiting for a 100 is not what is measured.
              await curl(SINK_HOST, `${origin}/`, ['-T', file, '-H', 'Expect:']);
        const arrived = direction === 'down' ? done.down : Number(done.body);
        if (done.status !== 200 || arrived !== bytes) {
          throw new Error(`${one.name}: status ${done.status}, ${arrived} of ${bytes} bytes ${direction}`);
        }
        const mbPerSecond = bytes / 1e6 / done.seconds;
        samples.push({
          round,
          proxy: one.name,
          direction,
          bytes,
          mbPerSecond,
          cpuSeconds: cpuOf(one) - before,
        });
        tell(
          `round ${round + 1}/${options.rounds}  ${direction}  ${one.name}  ${mbPerSecond.toFixed(0)} MB/s`,
        );
      }
    }
  }
  return samples;
}
