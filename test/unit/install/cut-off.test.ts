/** Upgrades and rollbacks that are killed at any step: whatever is called next, what ran before is there and can be gone back to. */
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AS_BEFORE, type InstallOptions, planInstall } from '../../../src/install/install.js';
import { programBefore } from '../../../src/install/versions.js';
import { machineFor, programNamed, UNIT } from '../../helpers/install-machine.js';

/** Versions 1 and 2 were installed one after the other; `to` is killed after so many steps. */
async function killed(t: ExecutionContext, to: (scene: Scene) => string, steps: number) {
  const scene = sceneFor(t);
  for (const version of ['1.0.0', '2.0.0']) await scene.put(version);
  const all = await scene.put(to(scene), steps);
  return { ...scene, all };
}
type Scene = ReturnType<typeof sceneFor>;

function sceneFor(t: ExecutionContext) {
  const one = machineFor(t, UNIT);
  const { places, machine, carryOut, commands } = one;
  /** The program of that version, where it is installed or elsewhere; the count of its steps. */
  const put = async (version: string, steps = Number.POSITIVE_INFINITY): Promise<number> => {
    const at = join(places.programs, version);
    const program = { ...programNamed(version), ...(existsSync(at) && { at }) };
    const plan = planInstall(AS_BEFORE, machine(program));
    await carryOut(plan.steps.slice(0, steps), program);
    asked.push(...commands(plan.steps.slice(0, steps)));
    return plan.steps.length;
  };
  const asked: string[] = [];
  const before = () => basename(programBefore(places, machine().installed).at);
  const back = () => put(before());
  const current = () => readlinkSync(places.current);
  const stand = () => ['1.0.0', '2.0.0'].filter((name) => existsSync(join(places.programs, name)));
  return { ...one, put, before, back, current, stand, asked };
}

const upgrade = () => '3.0.0';
const rollback = (scene: Scene) => scene.before();

async function atAnyStep(
  t: ExecutionContext,
  to: (scene: Scene) => string,
  then: (scene: Scene, steps: number) => Promise<void>,
) {
  const { all } = await killed(t, to, Number.POSITIVE_INFINITY);
  for (let steps = 0; steps < all; steps += 1) {
    const scene = await killed(t, to, steps);
    await then(scene, steps);
    t.deepEqual(scene.stand(), ['1.0.0', '2.0.0'], `after ${steps} steps`);
  }
}

test('an upgrade killed at any step, and again: back is to the version that ran before', (t) =>
  atAnyStep(t, upgrade, async ({ put, before, back, current }, steps) => {
    await put('3.0.0');
    t.is(current(), '3.0.0');
    t.is(before(), '2.0.0', `after ${steps} steps`);
    await back();
    t.is(current(), '2.0.0');
  }));

test('an upgrade killed at any step, and the installed command again: back is to the version before that one', (t) =>
  atAnyStep(t, upgrade, async ({ put, before, current }, steps) => {
    const linked = current();
    await put(linked);
    t.is(current(), linked);
    t.is(before(), linked === '3.0.0' ? '2.0.0' : '1.0.0', `after ${steps} steps`);
  }));

test('an upgrade killed at any step, and a rollback: what ran before runs, and the next goes to the one before that', (t) =>
  atAnyStep(t, upgrade, async ({ back, current, machine }, steps) => {
    // Killed before it had begun, the rollback is an ordinary one.
    const begun = machine().installed?.coming !== undefined;
    if (!begun) return;
    await back();
    t.is(current(), '2.0.0', `after ${steps} steps`);
    await back();
    t.is(current(), '1.0.0', `after ${steps} steps`);
    await back();
    t.is(current(), '2.0.0', `after ${steps} steps`);
  }));

test('a rollback that takes a killed upgrade back, killed as well, goes on', async (t) => {
  const { all } = await killed(t, upgrade, Number.POSITIVE_INFINITY);
  for (let steps = 1; steps < all; steps += 1) {
    for (let more = 0; more < all; more += 1) {
      const scene = await killed(t, upgrade, steps);
      if (scene.machine().installed?.coming === undefined) continue;
      const length = await scene.put(scene.before(), more);
      if (more >= length) break;
      await scene.back();
      t.is(scene.current(), '2.0.0', `after ${steps} and ${more} steps`);
      t.deepEqual(scene.stand(), ['1.0.0', '2.0.0']);
    }
  }
});

test('a rollback killed at any step goes on with the next one', (t) =>
  atAnyStep(t, rollback, async ({ back, current }, steps) => {
    await back();
    t.is(current(), '1.0.0', `after ${steps} steps`);
    await back();
    t.is(current(), '2.0.0', `after ${steps} steps`);
  }));

test('upgrades that are killed while they copy take the place of no version, and nothing is restarted for them', async (t) => {
  const scene = sceneFor(t);
  for (const version of ['1.0.0', '2.0.0']) await scene.put(version);
  scene.asked.length = 0;
  for (const version of ['3.0.0', '4.0.0', '5.0.0', '6.0.0']) {
    // The next act is the copy.
    await scene.put(version, 1);
    mkdirSync(join(scene.places.programs, `.incoming-${version}`));
    await scene.put('2.0.0');
  }
  t.deepEqual(
    scene.asked.filter((command) => command.includes('restart')),
    [],
  );
  t.deepEqual(scene.stand(), ['1.0.0', '2.0.0']);
  t.is(scene.before(), '1.0.0');
  t.is(await scene.put('2.0.0'), 0);
});

test('a record in which an older version names programs that never came: those are none', async (t) => {
  const { places, put, before, back, current, stand, machine } = sceneFor(t);
  for (const version of ['1.0.0', '2.0.0']) await put(version);
  const record = JSON.parse(readFileSync(places.record, 'utf8'));
  const phantoms = ['7', '8', '9'].map((name) => ({ name, digest: name }));
  const programs = [...record.programs, ...phantoms];
  const write = (more: object) => writeFileSync(places.record, JSON.stringify({ ...record, ...more }));
  // Killed just now.
  write({ programs, current: '9', previous: '2.0.0', owed: ['service'] });
  t.is(before(), '2.0.0');
  t.is(programBefore(places, machine().installed).cutOff, '9');
  // And installed again since.
  write({ programs, current: '2.0.0', previous: '9' });
  t.is(before(), '1.0.0');
  await put('2.0.0');
  t.is(before(), '1.0.0');
  await back();
  t.is(current(), '1.0.0');
  t.deepEqual(stand(), ['1.0.0', '2.0.0']);
});

const ASKED: Partial<InstallOptions> = {
  domain: 'example.com',
  port: 9000,
  caddy: true,
  dnsProvider: 'hetzner',
  dataDir: 'data',
};

for (const [title, more] of Object.entries({
  'as it was asked for': {},
  'with another domain': { domain: 'example.org' },
  'without Caddy': { caddy: false },
})) {
  test(`a first installation that is cut off at any step goes on without its options, from anywhere: ${title}`, async (t) => {
    const whole = machineFor(t, UNIT);
    const { steps } = planInstall({ ...AS_BEFORE, ...ASKED }, whole.machine());
    const { record } = await whole.install({
      ...ASKED,
      ...more,
      ...('caddy' in more && { dnsProvider: undefined }),
    });
    for (let count = 3; count < steps.length; count += 1) {
      const one = machineFor(t, UNIT);
      await one.carryOut(planInstall({ ...AS_BEFORE, ...ASKED }, one.machine()).steps.slice(0, count));
      const next = planInstall({ ...AS_BEFORE, ...more }, { ...one.machine(), cwd: one.root });
      await one.carryOut(next.steps);
      const comparable = (root: string, text: string) => JSON.parse(text.replaceAll(root, ''));
      const {
        config: _c,
        needs,
        owed: _o,
        ...got
      } = comparable(one.root, readFileSync(one.places.record, 'utf8'));
      const {
        config: _d,
        needs: wanted,
        owed: _p,
        ...expected
      } = comparable(whole.root, JSON.stringify(record));
      t.deepEqual(got, expected, `after ${count} steps`);
      t.deepEqual(needs.listen, wanted.listen, `after ${count} steps`);
    }
  });
}
