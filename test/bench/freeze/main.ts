/**
 * `node BUILD/test/bench/freeze/main.js [ROUNDS] [INSTANCES]` (default 100 and 200): how long a request to a frozen instance takes beside one to
 * the same instance while it runs, and what many instances leave behind that were frozen, thawed and removed.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { processesUnder } from '../../helpers/left-processes.js';
import { Served, service } from '../lib/served.js';
import { quantile } from '../lib/statistics.js';
import { textTable } from '../lib/text-table.js';

const FROZEN = 'alice.app.localhost';
const AWAKE = 'alice.awake.localhost';
const BACKENDS = ['process', 'namespace'];
/** At once: more would only measure how a crowded machine starts processes. */
const BATCH = 8;

const [rounds = 100, instances = 200] = process.argv.slice(2).map(Number);
const ms = (value: number) => value.toFixed(2);

const rows = [['isolation', 'busy p50', 'quiet p50', 'frozen p50', 'frozen p90', 'frozen / quiet']];
for (const isolation of BACKENDS) {
  const served = await freezing(isolation, '50ms');
  try {
    const { busy, quiet, frozen } = await measure(served);
    const [one, other] = [quantile(quiet, 0.5), quantile(frozen, 0.5)];
    rows.push([
      isolation,
      ms(quantile(busy, 0.5)),
      ms(one),
      ms(other),
      ms(quantile(frozen, 0.9)),
      (other / one).toFixed(1),
    ]);
  } finally {
    await served.end();
  }
}
process.stdout.write(`\nOne request, milliseconds (${rounds} rounds)\n${textTable(rows)}`);

for (const isolation of BACKENDS) {
  const served = await freezing(isolation, '300ms');
  const before = traces(served);
  let during: Record<string, number>;
  try {
    during = await freezeMany(served);
  } finally {
    await served.end();
  }
  const after = traces(served);
  const table = Object.keys(before).map((what) =>
    [what, before[what], during[what], after[what]].map(String),
  );
  process.stdout.write(
    `\n${instances} with isolation = "${isolation}": frozen, thawed, frozen, removed\n${textTable([['', 'before', 'frozen', 'after'], ...table])}`,
  );
}

function freezing(isolation: string, idle: string): Promise<Served> {
  return Served.start(`[settings]
health_check_interval = 3600
${service('app', isolation, `idle_timeout = "${idle}"\nidle_action = "freeze"`)}
${service('awake', isolation, '')}
`);
}

/**
 * In each round one request to the frozen instance and one to a `quiet` one, which has had no request for as long and was not frozen. The first
 * of a round finds everything between it and the app asleep, so each is the first in half of the rounds, and only those count. `busy`: right
 * after another request.
 */
async function measure(served: Served): Promise<{ busy: number[]; quiet: number[]; frozen: number[] }> {
  const busy: number[] = [];
  const quiet: number[] = [];
  const frozen: number[] = [];
  await served.ask(AWAKE);
  await served.ask(FROZEN);
  for (let round = 0; round < 2 * rounds; round += 1) {
    await served.until('it is frozen', () => served.told('ready -> frozen') > round);
    if (round % 2 === 0) frozen.push(await served.ask(FROZEN));
    quiet.push(...(round % 2 === 1 ? [await served.ask(AWAKE)] : []));
    busy.push(await served.ask(AWAKE));
    if (round % 2 === 1) await served.ask(FROZEN);
  }
  return { busy, quiet, frozen };
}

async function freezeMany(served: Served): Promise<Record<string, number>> {
  const names = Array.from({ length: instances }, (_, i) => `i${i}`);
  const each = async (work: (name: string) => Promise<unknown>) => {
    const queue = [...names];
    const worker = async () => {
      for (let name = queue.shift(); name !== undefined; name = queue.shift()) await work(name);
    };
    await Promise.all(Array.from({ length: BATCH }, worker));
  };
  const allFrozen = () =>
    served.until('all are frozen', async () =>
      (await served.views()).every(({ state }) => state === 'frozen'),
    );
  await each((name) => served.ask(`${name}.app.localhost`));
  await allFrozen();
  await each((name) => served.ask(`${name}.app.localhost`));
  await allFrozen();
  const during = traces(served);
  await each((name) => served.api(`/api/instances/app:${name}?forget=1&purge=1`, 'DELETE'));
  return during;
}

/** What instances have on the machine beside their processes. Mounts are those of our own namespace, and all of them. */
function traces({ directory }: Served): Record<string, number> {
  const owner = createHash('sha256').update(join(directory, 'tenement-data')).digest('hex').slice(0, 8);
  const groups = ['', 'unified', 'freezer', 'memory', 'cpu', 'pids'].flatMap((hierarchy) => {
    const parent = join('/sys/fs/cgroup', hierarchy, 'tenement');
    return existsSync(parent) ? readdirSync(parent).filter((name) => name.startsWith(owner)) : [];
  });
  return {
    groups: groups.length,
    mounts: readFileSync('/proc/self/mounts', 'utf8').trim().split('\n').length,
    processes: processesUnder(directory).length,
  };
}
