/** What `[service.x.systemd]` may have is what the systemd of this machine takes. */
import test from 'ava';
import { createBackends, probeHost, select } from '../../isolation/index.js';
import { UNIT_SETTINGS, unitProperties, unitSettingProblem } from '../../src/config/unit-settings.js';
import type { UnitValue } from '../../src/config/unit-values.js';
import { unknownProperty } from '../../systemd/known-properties.js';
import { SystemdManager } from '../../systemd/manager.js';
import { Bench, start } from '../integration/isolation/bench.js';
import { newUser } from '../integration/isolation/variants.js';

const host = await probeHost();
const backend = select(createBackends(host), 'systemd', host);
/** Newer than the oldest Debian that tenement is for; the version. */
const LATER: Readonly<Record<string, number>> = { MemoryZSwapMax: 253 };
/** One of these fits each setting. */
const SAMPLES: readonly UnitValue[] = [
  ...[true, 3, '10%', '512M', '0077', 'auto', 'none', 'kill', 'all', 'invisible', 'x86-64'],
  ...[['/ 10M'], ['10.0.0.0/8', 'fe80::/10'], ['AF_UNIX'], ['~@chown']],
];
const version = Number.parseInt(host.systemd?.version ?? '0', 10);

test('systemd knows each setting by the name and type that it is given', async (t) => {
  const manager = new SystemdManager('/run/dbus/system_bus_socket');
  t.teardown(() => manager.close());
  const refused: string[] = [];
  for (const name of Object.keys(UNIT_SETTINGS)) {
    const value = SAMPLES.find((sample) => unitSettingProblem(name, sample) === undefined);
    if (value === undefined) return t.fail(`no sample for ${name}`);
    // What is taken is enough: whether a unit of such a kind starts here is another question.
    const failure = await manager
      .startTransient(`tenement-test-${process.pid}-${name}.service`, [
        ['Type', 's', 'oneshot'],
        ['ExecStart', 'a(sasb)', [['/bin/true', ['/bin/true'], false]]],
        ['CollectMode', 's', 'inactive-or-failed'],
        ...unitProperties({ [name]: value }),
      ])
      .then(
        () => '',
        (error: Error) => (unknownProperty(error) === undefined ? error.message : 'unknown'),
      );
    if (failure.startsWith('systemd refuses') || (failure === 'unknown' && (LATER[name] ?? 0) <= version))
      refused.push(`${name}: ${failure}`);
  }
  t.deepEqual(refused, []);
});

test('what it does not know makes a start fail, which says so', async (t) => {
  const bench = new Bench(t, newUser(true));
  const spec = {
    ...bench.spec(bench.app('never-listens')),
    unitProperties: [['Nonsense', 's', 'x']] as const,
  };
  const error = await t.throwsAsync(start(t, backend, spec), { code: 'start_failed' });
  t.regex(error?.message ?? '', /systemd \d+\S* does not know the property Nonsense/);
});

test('a limit that it has no controller for makes a start fail, which names it', async (t) => {
  if (host.controllers.includes('pids')) return t.pass('everything can be limited here');
  const bench = new Bench(t, newUser(true));
  const plain = bench.spec(bench.app('never-listens'));
  const spec = { ...plain, unitProperties: unitProperties({ TasksMax: 50, MemoryHigh: '50M' }) };
  const error = await t.throwsAsync(start(t, backend, spec), { code: 'isolation_unavailable' });
  t.regex(error?.message ?? '', /`TasksMax`, `MemoryHigh` cannot be applied: .* controllers pids, memory/);
  // What takes away a limit needs nothing.
  const without = { ...plain, unitProperties: unitProperties({ TasksMax: 'infinity' }) };
  await start(t, backend, without);
});

test('further settings are in force in the instance', async (t) => {
  const bench = new Bench(t, newUser(true));
  const settings = { Nice: 7, LimitNOFILE: 123, SystemCallFilter: ['~@chown'] };
  const script = 'nice; ulimit -n; touch f; chown $(id -u) f 2>/dev/null && echo changed; :';
  const spec = { ...bench.spec(['/bin/sh', '-c', script]), unitProperties: unitProperties(settings) };
  t.like(await (await start(t, backend, spec)).exited, { code: 0 }, bench.stderr());
  t.is(bench.stdout(), '7\n123\n');
});
