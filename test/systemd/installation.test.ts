/** `ten install` on a machine with systemd, and the life of the service that it makes. Each test goes on where the one before it ended. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { execa } from 'execa';
import { until } from '../helpers/until.js';
import {
  APP,
  answers,
  changedSince,
  journal,
  listing,
  pidOf,
  prepareApp,
  removeInstallation,
  run,
  SERVER,
  service,
  ten,
  tenDone,
  Visitors,
} from './installed.js';
import { mainPid, property } from './units.js';

const CONFIG = '/etc/tenement/tenement.toml';
const CONFIG_TEXT = `# Of people.\n[instances]\nunits = ["alice"]\nplain = ["bob"]\n\n${service('units', 'systemd')}\n${service('plain', 'process')}`;
let before = '';

test.before(() => prepareApp(CONFIG_TEXT));
test.after.always(removeInstallation);

test.serial('installation: a dry run tells everything and writes nothing', async (t) => {
  before = await listing();
  const told = await tenDone(t, 'install', '--dry-run');
  t.regex(told, /write \/etc\/systemd\/system\/tenement\.service/);
  t.regex(told, /Type=notify/);
  t.regex(told, /run: systemctl daemon-reload/);
  t.deepEqual(await changedSince(before), []);
});

test.serial('installation: installed, it runs and serves, and says so to systemd', async (t) => {
  await tenDone(t, 'install');
  for (const unit of ['tenement.service', 'tenement.socket']) {
    t.is(await property(unit, 'ActiveState'), 'active', unit);
    t.is(await property(unit, 'UnitFileState'), 'enabled', unit);
  }
  await answers('alice.units');
  await answers('bob.plain');
  await until('status', async () => /^2 of 2 instances awake/.test(await property(SERVER, 'StatusText')));
  t.regex(await property('tenement-units-alice.service', 'ControlGroup'), /^\/tenement\.slice\//);
});

test.serial('installation: installed once more, nothing changes, and nothing is restarted', async (t) => {
  const pid = await mainPid(SERVER);
  const told = await tenDone(t, 'install');
  t.regex(told, /Nothing to do/);
  t.is(await mainPid(SERVER), pid);
  t.regex(readFileSync(CONFIG, 'utf8'), /^# Of people\.$/m);
});

test.serial('installation: systemd itself rates the exposure of the server at most 3.5', async (t) => {
  const { stdout } = await execa('systemd-analyze', ['security', '--no-pager', 'tenement.service']);
  const level = /Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1];
  t.true(Number(level) <= 3.5, stdout);
  t.log(level);
});

test.serial('installation: what goes wrong is an error in the journal, too', async (t) => {
  const good = readFileSync(CONFIG, 'utf8');
  writeFileSync(CONFIG, `${good}\nnonsense =`);
  process.kill(await mainPid(SERVER), 'SIGHUP');
  await until('an error', async () => {
    const options = ['--unit=tenement.service', '--priority=err', '--output=cat', '--no-pager'];
    return (await execa('journalctl', options)).stdout.includes('reload failed');
  }).finally(() => writeFileSync(CONFIG, good));
  t.is(await property(SERVER, 'ActiveState'), 'active');
});

test.serial(
  'installation: systemctl reload takes the changed file, and what did not change goes on',
  async (t) => {
    const pid = await mainPid(SERVER);
    const app = await pidOf('alice.units');
    writeFileSync(CONFIG, readFileSync(CONFIG, 'utf8').replace('["bob"]', '["bob", "carol"]'));
    await execa('systemctl', ['reload', 'tenement.service']);
    t.regex((await ten('ps', '-a')).stdout, /plain:carol/);
    t.is(await mainPid(SERVER), pid);
    t.is(await pidOf('alice.units'), app);
    t.is(await property(SERVER, 'ActiveState'), 'active');
  },
);

test.serial('installation: a reload by which the unit lacks something is warned of', async (t) => {
  const good = readFileSync(CONFIG, 'utf8');
  writeFileSync(CONFIG, good.replace('isolation = "process"', 'isolation = "process"\ndrain_timeout = 300'));
  await execa('systemctl', ['reload', 'tenement.service']);
  const warned = /made for another configuration.* for a clean stop.*sudo ten install/;
  await until('a warning', async () => warned.test(await journal()));
  const { stdout } = await run('/usr/local/bin/ten', ['doctor', '--quick', '--config', CONFIG]);
  t.regex(stdout, /tenement\.service +warn/);
  writeFileSync(CONFIG, good);
  await execa('systemctl', ['reload', 'tenement.service']);
});

test.serial(
  'installation: systemctl reload of a broken file fails and tells, and the server goes on',
  async (t) => {
    const good = readFileSync(CONFIG, 'utf8');
    writeFileSync(CONFIG, `${good}\nnonsense =`);
    const { failed } = await execa('systemctl', ['reload', 'tenement.service'], { reject: false });
    writeFileSync(CONFIG, good);
    t.true(failed);
    await until('what the command said is an error in the journal', async () => {
      const options = ['--unit=tenement.service', '--priority=err', '--output=cat', '--no-pager'];
      return /^error: .*tenement\.toml/m.test((await execa('journalctl', options)).stdout);
    });
    t.is(await property(SERVER, 'ActiveState'), 'active');
    await answers('alice.units');
  },
);

test.serial(
  'installation: a restart during a stream of requests refuses none, and units go on',
  async (t) => {
    const pid = await mainPid(SERVER);
    const app = await pidOf('alice.units');
    const visitors = new Visitors(['alice.units', 'alice.units', 'bob.plain']);
    await visitors.more(50);
    await execa('systemctl', ['restart', 'tenement.service']);
    await visitors.more(50);
    await visitors.end();
    t.deepEqual(visitors.failures, [], await journal());
    t.not(await mainPid(SERVER), pid);
    t.is(await pidOf('alice.units'), app);
  },
);

test.serial('installation: killed without warning, it comes back; units were never gone', async (t) => {
  const pid = await mainPid(SERVER);
  const app = await pidOf('alice.units');
  process.kill(pid, 'SIGKILL');
  await until('another main process', async () => ![0, pid].includes(await mainPid(SERVER)));
  await answers('alice.units');
  await answers('bob.plain');
  t.is(await pidOf('alice.units'), app);
});

test.serial('installation: a server that hangs is ended by the watchdog, and started again', async (t) => {
  const override = '/run/systemd/system/tenement.service.d';
  mkdirSync(override, { recursive: true });
  t.teardown(async () => {
    rmSync(override, { recursive: true, force: true });
    await execa('systemctl', ['daemon-reload']);
  });
  // Longer than a busy machine holds up a server that does not hang.
  writeFileSync(`${override}/watchdog.conf`, '[Service]\nWatchdogSec=12\nRestartSec=0\n');
  await execa('systemctl', ['daemon-reload']);
  await execa('systemctl', ['restart', 'tenement.service']);
  const pid = await mainPid(SERVER);
  await answers('alice.units');
  const restarts = Number(await property(SERVER, 'NRestarts'));
  process.kill(pid, 'SIGSTOP');
  await until('another main process', async () => ![0, pid].includes(await mainPid(SERVER)));
  t.true(Number(await property(SERVER, 'NRestarts')) > restarts);
  await answers('alice.units');
  t.regex(await journal(), /watchdog/i);
});

test.serial('installation: stopped, its units stop as well', async (t) => {
  await execa('systemctl', ['stop', 'tenement.socket', 'tenement.service']);
  const { stdout } = await execa('systemctl', ['list-units', '--plain', '--no-legend', 'tenement-*.service']);
  t.is(
    stdout
      .split('\n')
      .filter((line) => line.includes('-alice'))
      .join('\n'),
    '',
  );
  await execa('systemctl', ['start', 'tenement.service']);
  await answers('alice.units');
});

test.serial('installation: without root it is refused, and says what to do', async (t) => {
  const [node, main] = [process.execPath, new URL('../../src/cli/main.js', import.meta.url).pathname];
  const as = ['--reuid=65534', '--regid=65534', '--clear-groups', node, main];
  for (const command of ['install', 'uninstall', 'upgrade', 'rollback']) {
    const { exitCode, stderr } = await run('setpriv', [...as, command]);
    t.is(exitCode, 1, stderr);
    t.regex(stderr, new RegExp(`needs root[^]*sudo ten ${command}`));
  }
});

test.serial('installation: uninstalled, the data stays and nothing else', async (t) => {
  t.regex(await tenDone(t, 'uninstall', '--dry-run'), /remove \/opt\/tenement\/current/);
  t.is(await property(SERVER, 'ActiveState'), 'active');
  await tenDone(t, 'uninstall');
  t.true(existsSync('/var/lib/tenement/.tenement'));
  const changed = await changedSince(before);
  t.deepEqual(
    changed.filter((line) => !line.includes(' /var/lib/tenement')),
    [],
  );
  const { stdout } = await execa('systemctl', ['list-units', '--all', '--plain', '--no-legend', 'tenement*']);
  t.is(
    stdout
      .split('\n')
      .filter((line) => /tenement(\.|-units|-plain)/.test(line))
      .join('\n'),
    '',
  );
  t.regex(await tenDone(t, 'uninstall'), /Nothing to do/);
});

test.serial('installation: installed again it has its data, and --purge leaves nothing of it', async (t) => {
  await tenDone(t, 'install');
  await answers('alice.units');
  t.is((await ten('uninstall', '--purge')).exitCode, 2);
  await tenDone(t, 'uninstall', '--purge', '--yes');
  t.deepEqual(await changedSince(before), []);
  t.true(existsSync(`${APP}/tenement.toml`));
});
