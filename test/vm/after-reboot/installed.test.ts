import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { execa } from 'execa';
import { answers, listing, SERVER, tenDone } from '../../systemd/installed.js';
import { property } from '../../systemd/units.js';
import { awake, groups, instances, limitOf, MEMORY_MAX } from '../every-backend.js';

/** The directory itself is systemd's, for records of users by anybody, and goes with the next boot. What lies in it counts. */
const withoutUserdb = (list: string): string => list.replace(/^d\S+ root \/run\/userdb \n/m, '');

test.serial(
  'installed on a machine: after its restart everything comes back without a request, within its limits',
  async (t) => {
    await awake(instances.length);
    t.is(await property(SERVER, 'NRestarts'), '0');
    for (const instance of instances) await answers(instance);
    for (const [instance, group] of await groups()) t.is(limitOf(group), MEMORY_MAX, instance);
  },
);

test.serial('installed on a machine: uninstalled, nothing of it is left on the machine', async (t) => {
  await tenDone(t, 'uninstall', '--purge', '--yes');
  t.is(withoutUserdb(await listing()), withoutUserdb(readFileSync('/data/before-installation', 'utf8')));
  t.false(existsSync('/sys/fs/cgroup/tenement.slice'));
  const { stdout } = await execa('systemctl', ['list-units', '--all', '--plain', '--no-legend', 'tenement*']);
  t.notRegex(stdout, /tenement(\.(service|socket|slice)|-(systemd|sockets))/);
});
