/** Runs that are killed at any step: the next one goes on, and an uninstallation finds all that they have left. */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { apply } from '../../../src/install/apply.js';
import type { InstallOptions } from '../../../src/install/install.js';
import { AS_BEFORE, planInstall } from '../../../src/install/install.js';
import { isPending, type Step } from '../../../src/install/step.js';
import { undoOf } from '../../../src/install/undo.js';
import { planUninstall } from '../../../src/install/uninstall.js';
import { machineFor, programNamed, UNIT } from '../../helpers/install-machine.js';

interface Run {
  readonly options: Partial<InstallOptions>;
  readonly version: string;
}

const FIRST: Run = { options: { caddy: true, domain: 'example.com', dnsProvider: 'x' }, version: '1.0.0' };

/** Every file and link, with what is in it. */
function tree(root: string): Record<string, string> {
  const found = readdirSync(root, { recursive: true, withFileTypes: true, encoding: 'utf8' });
  return Object.fromEntries(
    found
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        const what = entry.isSymbolicLink()
          ? `-> ${readlinkSync(path)}`
          : entry.isFile()
            ? readFileSync(path, 'utf8')
            : '';
        return [path.slice(root.length), what.replaceAll(root, '')] as const;
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** A machine after some runs, of which the last may be killed after so many steps; and the commands that it came to. */
async function after(t: ExecutionContext, runs: readonly Run[], steps = Number.POSITIVE_INFINITY) {
  const scene = machineFor(t, UNIT);
  let asked: string[] = [];
  let all = 0;
  for (const [index, { options, version }] of runs.entries()) {
    const program = programNamed(version);
    const plan = planInstall({ ...AS_BEFORE, ...options }, scene.machine(program));
    all = plan.steps.length;
    const done = index === runs.length - 1 ? plan.steps.slice(0, steps) : plan.steps;
    await scene.carryOut(done, program);
    asked = scene.commands(done);
  }
  return { ...scene, asked, all };
}

for (const [title, runs] of Object.entries({
  'a first installation': [FIRST],
  'an upgrade': [FIRST, { options: {}, version: '2.0.0' }],
  'other addresses': [FIRST, { options: { port: 9000 }, version: '1.0.0' }],
  'another domain and program': [FIRST, { options: { domain: 'example.org' }, version: '2.0.0' }],
  'one without a start': [FIRST, { options: { port: 9000, start: false }, version: '1.0.0' }],
  'the end of Caddy': [FIRST, { options: { caddy: false }, version: '1.0.0' }],
})) {
  const last = runs.at(-1) ?? FIRST;

  test(`killed at any step, the next run goes on: ${title}`, async (t) => {
    const whole = await after(t, runs);
    const { owed: _, ...expected } = tree(whole.root);
    for (let steps = 0; steps < whole.all; steps += 1) {
      const scene = await after(t, runs, steps);
      const plan = await scene.install(last.options, programNamed(last.version));
      const asked = [...scene.asked, ...scene.commands(plan.steps)];
      t.deepEqual(
        whole.asked.filter((command) => !asked.includes(command)),
        [],
        `killed after ${steps} steps`,
      );
      t.deepEqual(comparable(tree(scene.root)), comparable(expected), `killed after ${steps} steps`);
      t.deepEqual((await scene.install(last.options, programNamed(last.version))).steps, []);
    }
  });

  test(`killed at any step, it can be uninstalled without a rest: ${title}`, async (t) => {
    const { all } = await after(t, runs);
    for (let steps = 0; steps <= all; steps += 1) {
      const { root, places, machine, carryOut } = await after(t, runs, steps);
      await carryOut(planUninstall(places, machine().installed, true).steps);
      const left = Object.keys(tree(join(root, 'etc'))).concat(
        Object.keys(tree(join(root, 'usr'))),
        existsSync(join(root, 'opt')) ? Object.keys(tree(join(root, 'opt'))) : [],
      );
      // A configuration that could not go home is its owner's.
      const own = ['/systemd', '/systemd/system', '/local', '/local/bin'];
      t.deepEqual(
        left.filter((path) => !own.includes(path) && !path.startsWith('/tenement')),
        [],
        `killed after ${steps} steps`,
      );
      t.true(
        existsSync(join(root, 'app/tenement.toml')) || existsSync(places.config),
        `the configuration is lost after ${steps} steps`,
      );
    }
  });
}

/** Whether a file counts as changed by people may be judged more carefully after a run that was killed. */
function comparable(files: Record<string, string>): Record<string, string> {
  const record = files['/opt/tenement/install.json'];
  return record === undefined
    ? files
    : {
        ...files,
        '/opt/tenement/install.json': record
          .replace(/,?\s*"digest": "[0-9a-f]{64}"\n(?=\s*},\n\s*"dataDir)/, '\n')
          .replace(/(before-install"),\n/, '$1\n'),
      };
}

test('an uninstallation that was killed at any step goes on', async (t) => {
  const scene = machineFor(t, UNIT);
  await scene.install(FIRST.options);
  const { length } = planUninstall(scene.places, scene.machine().installed, true).steps;
  for (let steps = 0; steps <= length; steps += 1) {
    const { root, app, places, machine, carryOut, install } = machineFor(t, UNIT);
    await install(FIRST.options);
    await carryOut(planUninstall(places, machine().installed, true).steps.slice(0, steps));
    await carryOut(planUninstall(places, machine().installed, true).steps);
    t.is(readFileSync(join(app, 'tenement.toml'), 'utf8'), UNIT);
    for (const path of [places.programs, places.configDir, places.command, places.dataDir])
      t.false(existsSync(path), `${path} after ${steps} steps`);
    t.deepEqual(readdirSync(join(root, 'etc/systemd/system')), []);
  }
});

test('what was half written when a run was killed goes with the next, and with an uninstallation', async (t) => {
  const { root, places, install, machine, carryOut } = machineFor(t, UNIT);
  await install();
  const litter = () => {
    mkdirSync(join(places.programs, '.incoming-3.0.0/bin'), { recursive: true });
    mkdirSync(join(places.programs, '.outgoing-0.1.0/bin'), { recursive: true });
  };
  litter();
  await install();
  t.deepEqual(readdirSync(places.programs).sort(), ['1.0.0', 'current', 'install.json']);
  litter();
  for (const path of [places.config, join(places.units, 'tenement.service'), places.record, places.caddyfile])
    writeFileSync(path.replace(/([^/]+)$/, '.$1.incoming'), 'half');
  await carryOut(planUninstall(places, machine().installed, false).steps);
  t.false(existsSync(places.programs));
  t.false(existsSync(places.configDir));
  t.deepEqual(readdirSync(join(root, 'etc/systemd/system')), []);
});

test('programs that no record knows are found; what people have put there stays', async (t) => {
  const { places, install, carryOut } = machineFor(t, UNIT);
  await install();
  await programNamed('0.5.0').copyTo(join(places.programs, '0.5.0'));
  mkdirSync(join(places.programs, 'notes-of-mine'));
  await install();
  t.deepEqual(readdirSync(places.programs).sort(), ['1.0.0', 'current', 'install.json', 'notes-of-mine']);
  await carryOut(planUninstall(places, undefined, false).steps);
  t.deepEqual(readdirSync(places.programs), ['notes-of-mine']);
});

test('one that runs from its place is no other, also without a record', async (t) => {
  const { places, install, machine } = machineFor(t, UNIT);
  await install();
  const own = { ...programNamed('1.0.0'), at: join(places.programs, '1.0.0') };
  t.is(planInstall(AS_BEFORE, { ...machine(own), installed: undefined }).record.current, '1.0.0');
});

test('the same command with the same file is no conflict', async (t) => {
  const { app, install } = machineFor(t, UNIT);
  await install({ config: join(app, 'tenement.toml') });
  for (const config of [join(app, 'tenement.toml'), app]) t.deepEqual((await install({ config })).steps, []);
});

test('what was not to be started is started by the next run that may', async (t) => {
  const { install, commands } = machineFor(t, UNIT);
  const first = await install({ start: false });
  t.false(commands(first.steps).some((one) => one.includes('restart')));
  t.deepEqual((await install({ start: false })).steps, []);
  t.true(commands((await install()).steps).includes('systemctl restart tenement.service'));
  t.deepEqual((await install()).steps, []);
});

test('taken back at any step, all is as it was', async (t) => {
  const scene = async () => {
    const one = machineFor(t, UNIT);
    await one.install(FIRST.options);
    writeFileSync(join(one.places.units, 'tenement.slice'), '[Slice]\n');
    return one;
  };
  const next = { ...AS_BEFORE, port: 9000, domain: 'example.org' };
  const { machine } = await scene();
  const { length } = planInstall(next, machine(programNamed('2.0.0'))).steps;
  for (let steps = 0; steps <= length; steps += 1) {
    const one = await scene();
    const before = tree(one.root);
    const program = programNamed('2.0.0');
    const plan = planInstall(next, one.machine(program));
    const undo = undoOf(plan.steps, one.places, (step) => step.do !== 'run');
    await one.carryOut(plan.steps.slice(0, steps), program);
    t.deepEqual(await undo.run(), []);
    t.deepEqual(tree(one.root), before, `after ${steps} steps`);
  }
});

test('a link in the way of a file that goes home is not followed', async (t) => {
  const { app, places, root, install, machine, carryOut } = machineFor(t, UNIT);
  await install();
  writeFileSync(places.config, `${readFileSync(places.config, 'utf8')}# new\n`, { mode: 0o600 });
  const victim = join(root, 'shadow');
  writeFileSync(victim, 'secret');
  const { symlinkSync, statSync, chmodSync } = await import('node:fs');
  chmodSync(places.config, 0o600);
  symlinkSync(victim, join(app, '.tenement.toml.incoming'));
  await carryOut(planUninstall(places, machine().installed, false).steps);
  t.is(readFileSync(victim, 'utf8'), 'secret');
  t.is(statSync(join(app, 'tenement.toml')).mode & 0o777, 0o600);
});

test('a step that fails leaves nothing half written', async (t) => {
  const { root } = machineFor(t, UNIT);
  const step: Step = { do: 'file', path: join(root, 'is-a-directory'), text: 'x', mode: 0o644 };
  mkdirSync(join(step.path, 'full'), { recursive: true });
  t.true(isPending(step));
  await t.throwsAsync(
    apply([step], undefined, () => {}),
    { message: /Cannot .*is-a-directory/ },
  );
  t.deepEqual(
    readdirSync(root).filter((name) => name.includes('incoming')),
    [],
  );
});
