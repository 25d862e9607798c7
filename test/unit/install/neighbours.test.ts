/** What is another server's, or a person's, when tenement is uninstalled. */
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { unitsIn } from '../../../src/install/neighbours.js';
import { describe } from '../../../src/install/step.js';
import { planUninstall } from '../../../src/install/uninstall.js';
import { machineFor, UNIT } from '../../helpers/install-machine.js';

const OURS = 'file:///var/lib/tenement';

/** As `systemctl show` writes it. */
function shown(runtime: string): string {
  const unit = (id: string, uid: string, mark: string, place: string) =>
    [
      `Id=${id}`,
      'Slice=tenement-notes.slice',
      `Documentation=${mark}`,
      `User=${uid}`,
      `RootDirectory=${runtime}/${place}/root`,
    ].join('\n');
  return [
    unit('tenement-notes-alice.service', 'tenement-1900000001', OURS, 'aaaa'),
    unit('tenement-notes-old.service', 'tenement-1900000002', '', 'bbbb'),
    unit('tenement-notes-bob.service', 'tenement-19000000', 'man:x(1) file:///srv/other', 'cccc'),
    `Id=tenement-notes-alice.socket\nSlice=tenement-notes.slice\nDocumentation=${OURS}\nListen=${runtime}/sockets/notes:alice (Stream)`,
    // Somebody's.
    'Id=tenement-backup.service\nSlice=system.slice\nDocumentation=',
  ].join('\n\n');
}

test('units are known by whose data they are for; one without a mark is ours', (t) => {
  const { own, others } = unitsIn(shown('/run/tenement'), OURS);
  t.deepEqual(own, [
    'tenement-notes-alice.socket',
    'tenement-notes-alice.service',
    'tenement-notes-old.service',
  ]);
  t.deepEqual(
    others.map(({ unit, uid }) => [unit, uid]),
    [['tenement-notes-bob.service', 19000000]],
  );
  t.deepEqual(unitsIn('', OURS), { own: [], others: [] });
});

test('what another server runs is not ended, and keeps what it needs', async (t) => {
  const { places, install, machine, carryOut, commands } = machineFor(t, UNIT);
  await install();
  mkdirSync(places.users, { recursive: true });
  for (const uid of ['1900000001', '1900000002', '19000000']) {
    writeFileSync(join(places.users, `tenement-${uid}.user`), '{}');
    symlinkSync(`tenement-${uid}.user`, join(places.users, `${uid}.user`));
  }
  for (const name of ['aaaa', 'bbbb', 'cccc', 'sockets'])
    mkdirSync(join(places.runtime, name), { recursive: true });
  const { steps, notes } = planUninstall(
    places,
    machine().installed,
    false,
    unitsIn(shown(places.runtime), OURS),
  );
  const stops = commands(steps).filter((one) => one.startsWith('systemctl stop'));
  t.deepEqual(stops, [
    'systemctl stop tenement-notes-alice.socket',
    'systemctl stop tenement-notes-alice.service',
    'systemctl stop tenement-notes-old.service',
  ]);
  t.regex(notes.join('\n'), /tenement-notes-bob\.service.*run on/);
  t.notRegex(commands(steps).join('\n'), /user_19000000\b/);
  await carryOut(steps);
  t.deepEqual(readdirSync(places.users).sort(), ['19000000.user', 'tenement-19000000.user']);
  t.deepEqual(readdirSync(places.runtime), ['cccc']);
});

test('where nobody else runs any, the whole slice is ended', async (t) => {
  const { places, install, machine, commands } = machineFor(t, UNIT);
  await install();
  t.true(
    commands(planUninstall(places, machine().installed, false).steps).includes(
      'systemctl stop tenement.slice',
    ),
  );
});

/** Drop-ins that people have had made, and one by hand. */
function settings({ control, units }: { control: string; units: string }): string[] {
  const paths = [
    join(control, 'tenement.slice.d/50-MemoryMax.conf'),
    join(control, 'tenement.service.d/50-CPUQuota.conf'),
    join(units, 'tenement.service.d/override.conf'),
    join(units, 'tenement.socket.d/mine.conf'),
  ];
  for (const path of paths) {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, '');
  }
  return paths;
}

test('settings that systemctl has made of our units go with the data, and are told where they stay', async (t) => {
  const { places, install, machine, carryOut, commands } = machineFor(t, UNIT);
  await install();
  const paths = settings(places);
  const [, , , mine = ''] = paths;
  const gentle = planUninstall(places, machine().installed, false);
  for (const path of paths) t.true(gentle.notes.join('\n').includes(join(path, '..')), path);
  await carryOut(gentle.steps);
  t.true(paths.every((path) => existsSync(path)));
  // Also when the rest is gone already.
  const whole = planUninstall(places, machine().installed, true);
  t.regex(
    whole.steps.map(describe).join('\n'),
    /tenement\.slice\.d \(settings of tenement\.slice, by `systemctl set-property`/,
  );
  t.true(commands(whole.steps).includes('systemctl daemon-reload'));
  await carryOut(whole.steps);
  t.deepEqual(
    paths.filter((path) => existsSync(path)),
    [mine],
  );
  t.true(whole.notes.join('\n').includes(join(mine, '..')));
});

test('settings of a slice that others are below stay with it', async (t) => {
  const { places, install, machine, carryOut } = machineFor(t, UNIT);
  await install();
  const [slice = '', service = ''] = settings(places);
  const { steps } = planUninstall(places, machine().installed, true, unitsIn(shown(places.runtime), OURS));
  await carryOut(steps);
  t.deepEqual(
    [slice, service].filter((path) => existsSync(path)),
    [slice],
  );
});
