/** Every name that may be given is that of a unit, also where its dashes, which systemd escapes, make it too long. */
import test from 'ava';
import { execa } from 'execa';
import { instanceOfUnit, unitName } from '../../systemd/unit-name.js';
import { TestServer } from '../helpers/server.js';
import { newService, unitService } from './units.js';

const WAYS = [
  ['systemd', 'port'],
  ['socket-activation', 'port'],
  ['socket-activation', 'fd'],
] as const;

for (const [isolation, listen] of WAYS) {
  test(`${isolation}, listen = "${listen}": names of dashes are found again, and each is another one's`, async (t) => {
    const start = newService();
    const long = (text: string, end: string) => text.padEnd(62, '-') + end;
    // With "b" it has the longest name that is written whole.
    const whole = (dashes: number) => `${start}${'-'.repeat(dashes)}s`;
    const isWhole = (dashes: number) => instanceOfUnit(unitName(whole(dashes), 'b')) !== undefined;
    let dashes = 1;
    while (isWhole(dashes + 1)) dashes += 1;
    const service = whole(dashes);
    const ids = [long('a', 'x'), long('a', 'y'), 'b'];
    const server = await TestServer.start(
      t,
      unitService(service, {
        app: 'world.mjs',
        lines: `health = "/health"\nisolation = "${isolation}"\nlisten = "${listen}"\nidle_timeout = "1h"`,
      }),
    );
    const list = ['list-units', '--all', '--plain', '--no-legend', '--full', `tenement-${start}*`];
    const units = async () =>
      (await execa('systemctl', list)).stdout
        .split('\n')
        .flatMap((line) => line.split(' ')[0] || [])
        .filter((unit) => unit.startsWith(`tenement-${start}\\x2d`));
    t.teardown(async () => {
      await server.stop();
      for (const unit of await units()) await execa('systemctl', ['stop', unit], { reject: false });
    });
    const done = async (...args: string[]) => {
      const { exitCode, stderr } = await server.ten(...args);
      t.is(exitCode, 0, `${args[0]}: ${stderr}; ${server.output}`);
    };
    for (const id of ids) await done('spawn', `${service}:${id}`);
    const dataOf = async (id: string) =>
      JSON.parse((await server.get(`${id}.${service}.localhost`, '/world')).text).env.DATA_DIR;
    for (const id of ids) t.true((await dataOf(id)).endsWith(`/${id}`));
    await server.kill();
    await server.run();
    for (const id of ids) t.true((await dataOf(id)).endsWith(`/${id}`));
    for (const id of ids) await done('rm', `${service}:${id}`);
    // The slice of the service may stay.
    t.deepEqual(
      (await units()).filter((unit) => !unit.endsWith('.slice')),
      [],
    );
  });
}
