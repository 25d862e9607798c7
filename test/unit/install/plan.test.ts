/** What would be done, on the files of a directory instead of a machine's. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { domainIn } from '../../../src/install/choices.js';
import { AS_BEFORE, planInstall } from '../../../src/install/install.js';
import { nextAfter } from '../../../src/install/next.js';
import { neededPackages } from '../../../src/install/program.js';
import { describeInFull } from '../../../src/install/step.js';
import { planUninstall } from '../../../src/install/uninstall.js';
import { programBefore } from '../../../src/install/versions.js';
import { configFile } from '../../helpers/config-file.js';
import { machineFor, programNamed, UNIT } from '../../helpers/install-machine.js';

test('a plan writes nothing, and twice it is the same', (t) => {
  const { app, places, machine } = machineFor(t, UNIT);
  const plan = planInstall(AS_BEFORE, machine());
  t.deepEqual(planInstall(AS_BEFORE, machine()).steps, plan.steps);
  t.false(existsSync(places.programs));
  t.true(existsSync(join(app, 'tenement.toml')));
  t.regex(plan.steps.map(describeInFull).join('\n'), /ListenStream=127\.0\.0\.1:8080/);
});

test('installed, there is nothing left to do', async (t) => {
  const { install } = machineFor(t, UNIT);
  await install();
  t.deepEqual((await install()).steps, []);
});

test('the configuration moves with its paths absolute and its comments', async (t) => {
  const { app, places, install } = machineFor(t, `# mine\n${UNIT}env_file = "secrets"\n`);
  await install();
  const text = readFileSync(places.config, 'utf8');
  t.true(text.includes('# mine'));
  t.true(text.includes(`workdir = "${app}"`));
  t.true(text.includes(`env_file = "${app}/secrets"`));
  t.true(text.includes(`data_dir = "${places.dataDir}"`));
});

test('another configuration that is there is not replaced', async (t) => {
  const { app, install, machine } = machineFor(t, UNIT);
  await install();
  configFile(t, UNIT, app);
  t.throws(() => planInstall({ ...AS_BEFORE, config: app }, machine()), { message: /is there already/ });
});

test('installed again where another configuration lies, it is told which one is in force', async (t) => {
  const { app, places, install, machine } = machineFor(t, UNIT);
  const first = await install();
  const told = (notes: readonly string[]) => notes.filter((note) => note.includes('is not, and is not read'));
  t.deepEqual(told(first.notes), []);
  t.deepEqual(told((await install()).notes), []);
  configFile(t, UNIT, app);
  const { steps, notes } = planInstall(AS_BEFORE, machine());
  t.deepEqual(steps, []);
  t.regex(
    told(notes).join('\n'),
    new RegExp(`${places.config} is the configuration.*${app}/tenement.toml is not`),
  );
});

test('after an installation it is told what comes next', async (t) => {
  const { places, install } = machineFor(t, UNIT);
  const then = async (...options: Parameters<typeof install>) => nextAfter(await install(...options), places);
  t.regex(await then({ start: false }), /ten install.* starts it/);
  t.regex(await then(), /ten ps.*http:\/\/localhost:8080,/);
  t.regex(await then({ caddy: true, domain: 'example.com' }), /https:\/\/example\.com,/);
  t.regex(await then({ caddy: false, port: 80 }), /http:\/\/example\.com,/);
  t.regex(await then(), /ten reload.*tenement\.toml/);
});

test('a unit that somebody else wrote is put aside, gives its domain, and comes back', async (t) => {
  const { places, install, machine, carryOut } = machineFor(t, UNIT);
  const path = join(places.units, 'tenement.service');
  const text = '[Service]\nExecStart=/usr/local/bin/ten serve --domain example.com\n';
  writeFileSync(path, text);
  const { record } = await install();
  t.is(record.domain, 'example.com');
  t.true(readFileSync(path, 'utf8').includes('--domain example.com'));
  const { steps } = planUninstall(places, machine().installed, false);
  await carryOut(steps);
  t.is(readFileSync(path, 'utf8'), text);
});

test('with Caddy in front it listens on loopback, and believes it', async (t) => {
  const { places, install, machine, carryOut } = machineFor(t, UNIT);
  await install({ caddy: true, domain: 'example.com' });
  const text = readFileSync(places.config, 'utf8');
  t.regex(text, /trusted_proxies = \["127\.0\.0\.1", "::1"\]/);
  t.regex(text, /listen = \["127\.0\.0\.1:8080", "\[::1\]:8080"\]/);
  t.true(readFileSync(places.caddyfile, 'utf8').includes('example.com'));
  await carryOut(planUninstall(places, machine().installed, false).steps);
  t.false(existsSync(places.configDir));
});

test('a changed socket stops the service before it: systemd cannot change it under its holder', async (t) => {
  const { install, commands } = machineFor(t, UNIT);
  await install();
  t.deepEqual(commands((await install({ port: 80 })).steps), [
    'systemctl daemon-reload',
    'systemctl enable --quiet tenement.socket tenement.service',
    'systemctl stop tenement.service',
    'systemctl restart tenement.socket',
    'systemctl restart tenement.service',
  ]);
});

test('uninstalled, all is as it was; what was changed meanwhile goes home with the file', async (t) => {
  const { app, places, install, machine, carryOut } = machineFor(t, UNIT);
  const home = join(app, 'tenement.toml');
  await install();
  await carryOut(planUninstall(places, machine().installed, false).steps);
  t.is(readFileSync(home, 'utf8'), UNIT);
  await install();
  writeFileSync(places.config, `${readFileSync(places.config, 'utf8')}# new\n`);
  await carryOut(planUninstall(places, machine().installed, false).steps);
  t.true(readFileSync(home, 'utf8').endsWith('# new\n'));
  for (const path of [places.programs, places.configDir, places.command, `${home}.before-install`]) {
    t.false(existsSync(path), path);
  }
  t.deepEqual(planUninstall(places, machine().installed, false).steps, []);
});

test('what was changed in the configuration survives an uninstallation also when it was installed again since', async (t) => {
  const { app, places, install, machine, carryOut } = machineFor(t, UNIT);
  const home = join(app, 'tenement.toml');
  await install();
  writeFileSync(places.config, `${readFileSync(places.config, 'utf8')}# new\n`);
  await install({ caddy: true });
  await install();
  await carryOut(planUninstall(places, machine().installed, false).steps);
  t.true(readFileSync(home, 'utf8').includes('# new\n'));
  // What the installation itself has changed since is no reason to keep it.
  writeFileSync(home, UNIT);
  await install();
  await install({ port: 9000 });
  await carryOut(planUninstall(places, machine().installed, false).steps);
  t.is(readFileSync(home, 'utf8'), UNIT);
});

test('--purge deletes a data directory only', async (t) => {
  const { places, root, install, machine } = machineFor(t, UNIT);
  await install();
  const installed = machine().installed;
  if (installed === undefined) return t.fail();
  mkdirSync(join(root, 'precious/files'), { recursive: true });
  const other = { ...installed, dataDir: join(root, 'precious') };
  t.throws(() => planUninstall(places, other, true), { message: /does not look like a data directory/ });
  t.throws(() => planUninstall(places, { ...installed, dataDir: '/' }, true), { message: /does not look/ });
});

test('the versions before stay until they are old, and one goes to and fro', async (t) => {
  const { places, install, machine } = machineFor(t, UNIT);
  for (const version of ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '1.4.0'])
    await install({}, programNamed(version));
  t.deepEqual(readdirSync(places.programs).sort(), ['1.2.0', '1.3.0', '1.4.0', 'current', 'install.json']);
  const back = () => programBefore(places, machine().installed);
  t.is(back().at, join(places.programs, '1.3.0'));
  await install({}, programNamed('1.3.0'));
  t.is(back().at, join(places.programs, '1.4.0'));
  await install({}, programNamed('1.4.0'));
  t.is(back().at, join(places.programs, '1.3.0'));
});

test('another program of the same version is another directory', async (t) => {
  const { install } = machineFor(t, UNIT);
  await install();
  const changed = { ...programNamed('1.0.0'), digest: 'abcdef0123456789' };
  t.is((await install({}, changed)).record.current, '1.0.0-abcdef01');
});

test('packages for development are left out', (t) => {
  t.deepEqual(
    neededPackages({
      packages: {
        '': {},
        'node_modules/b': {},
        'node_modules/a': {},
        'node_modules/c': { dev: true },
        'node_modules/d': { optional: true },
      },
    }),
    ['node_modules/a', 'node_modules/b'],
  );
});

test('the domain in a unit that was written by hand', (t) => {
  t.is(domainIn('ExecStart=/usr/bin/ten serve -d example.com\n'), 'example.com');
  t.is(domainIn('ExecStart=ten serve --port 1 --domain=a.b\n'), 'a.b');
  t.is(domainIn('ExecStart=ten serve\n'), undefined);
  t.is(domainIn(undefined), undefined);
});

test('uninstalled, users of instances that were listened for are gone, and their rules, and others stay', async (t) => {
  const { places, install, machine, carryOut, commands } = machineFor(t, UNIT);
  await install();
  mkdirSync(places.users, { recursive: true });
  const users = ['tenement-1900000001.user', 'someone.user'];
  for (const [name, number] of [...users.entries()].map(([i, name]) => [name, `${i}.user`] as const)) {
    writeFileSync(join(places.users, name), '{}');
    symlinkSync(name, join(places.users, number));
  }
  const { steps } = planUninstall(places, machine().installed, false);
  const rules = commands(steps).filter((one) => one.startsWith('/usr/sbin/nft '));
  t.regex(rules[0] ?? '', /delete chain inet \w+ user_1900000001$/);
  t.regex(rules[1] ?? '', /delete table/);
  t.notRegex(steps.map(describeInFull).join('\n'), /nft/);
  await carryOut(steps);
  t.deepEqual(readdirSync(places.users).sort(), ['1.user', 'someone.user']);
});
