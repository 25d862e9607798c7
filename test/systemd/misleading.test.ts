/** What goes wrong beside an installed server, told by its cause and not by what it looks like. */
import { appendFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { cleanEnv, TEN } from '../helpers/example-server.js';
import { TestServer, workbench } from '../helpers/server.js';
import { APP, answers, prepareApp, removeInstallation, service, ten, tenDone } from './installed.js';

const CONFIG = '/etc/tenement/tenement.toml';
const HOME_APP = '/home/tenement-test-app';

test.beforeEach(() => {
  prepareApp(`[instances]\nunits = ["alice"]\n\n${service('units', 'systemd')}`);
});
test.afterEach.always(async () => {
  rmSync(HOME_APP, { recursive: true, force: true });
  await removeInstallation();
});

test.serial('misleading: what the installed unit does not allow is to be installed again', async (t) => {
  await tenDone(t, 'install');
  await answers('alice.units');
  const at = (text: string) => text.replace('user =', `workdir = "${APP}"\nuser =`);
  appendFileSync(CONFIG, `\n${at(service('ns', 'namespace'))}\n${at(service('proc', 'process'))}`);
  await tenDone(t, 'reload', '--config', CONFIG);
  for (const instance of ['ns:a', 'proc:a']) {
    const { exitCode, stderr } = await ten('spawn', instance, '--config', CONFIG);
    t.is(exitCode, 1, instance);
    t.regex(stderr, /try: .*`sudo ten install` again/, stderr);
    t.notRegex(stderr, /In a container/);
  }
  mkdirSync(HOME_APP);
  cpSync(join(APP, 'app.mjs'), join(HOME_APP, 'app.mjs'));
  appendFileSync(
    CONFIG,
    `\n${service('home', 'systemd').replace('user =', `workdir = "${HOME_APP}"\nuser =`)}`,
  );
  await tenDone(t, 'check', '--config', CONFIG);
  const { exitCode, stderr } = await ten('reload', '--config', CONFIG);
  t.is(exitCode, 1);
  t.regex(stderr, /try: .*`sudo ten install` again/, stderr);
  t.notRegex(stderr, /ten check/);
  await tenDone(t, 'install');
  await tenDone(t, 'spawn', 'ns:a', '--config', CONFIG);
  await tenDone(t, 'spawn', 'proc:a', '--config', CONFIG);
  await tenDone(t, 'spawn', 'home:a', '--config', CONFIG);
});

test.serial('misleading: which server was asked, and which one was meant', async (t) => {
  await tenDone(t, 'install');
  await answers('alice.units');
  const options = { env: cleanEnv(), extendEnv: false, reject: false } as const;
  const asNobody = await execa(TEN[0], [TEN[1], 'ps', '--config', CONFIG], {
    ...options,
    cwd: '/',
    uid: 65_534,
    gid: 65_534,
  });
  t.is(asNobody.exitCode, 1);
  t.regex(asNobody.stderr, /This user may not use the server of \/var\/lib\/tenement/);
  t.regex(asNobody.stderr, /try: .*sudo/);

  const second = await TestServer.start(t, workbench());
  await second.stop();
  const stopped = await execa(TEN[0], [TEN[1], 'ps'], { ...options, cwd: second.directory });
  t.is(stopped.exitCode, 1);
  t.regex(
    stopped.stderr,
    /No server runs on .*tenement-data; the one that answers on http:\/\/localhost:8080/,
  );
  t.regex(stopped.stderr, /try: .*ten serve/);
});

test.serial(
  'misleading: an app that ends at once is not told as spawned, whoever listens for it',
  async (t) => {
    rmSync(APP, { recursive: true, force: true });
    const table = (name: string, isolation: string, listen: string) =>
      service(name, isolation)
        .replace('health = "/"', `listen = "${listen}"\nworkdir = "${APP}"`)
        .replace('app.mjs', 'exits.mjs');
    prepareApp(
      table('by-fd', 'socket-activation', 'fd') +
        table('by-port', 'socket-activation', 'port') +
        table('handed', 'namespace', 'fd'),
    );
    writeFileSync(join(APP, 'exits.mjs'), 'process.exit(3);\n');
    await tenDone(t, 'install');
    for (const name of ['by-fd', 'by-port', 'handed']) {
      const { exitCode, stderr } = await ten('spawn', `${name}:alice`, '--config', CONFIG);
      t.is(exitCode, 1, `${name}: ${stderr}`);
      t.regex(stderr, /exited with code 3/, name);
      t.regex(stderr, /ten logs/, name);
    }
  },
);
