/** The unit of the server gives what each way of isolation needs when nothing else asks for more: every one of them alone is installed and answers. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { APP, answers, prepareApp, removeInstallation, service, tenDone } from './installed.js';

/** First those whose server manages no networks: one of a later case could not take away the rules of units from before. */
const CASES = [
  ['process', 'host'],
  ['systemd', 'none'],
  ['socket-activation', 'none'],
  ['systemd', 'host'],
  ['socket-activation', 'host'],
  ['namespace', 'none'],
  ['namespace', 'egress'],
  ['namespace', 'host'],
  ['sandbox', 'none'],
  ['sandbox', 'egress'],
  ['sandbox', 'host'],
] as const;
const CONFIG = '/etc/tenement/tenement.toml';

test.after.always(removeInstallation);

for (const [i, [isolation, network]] of CASES.entries()) {
  test.serial(
    `confinement: installed for isolation = "${isolation}", network = "${network}" alone`,
    async (t) => {
      const listen = isolation === 'systemd' && network === 'none' ? 'unix' : 'port';
      const text = service(`only${i}`, isolation)
        .replace('node app.mjs', `perl ${APP}/app.pl`)
        .replace('health =', `network = "${network}"\nlisten = "${listen}"\nworkdir = "${APP}"\nhealth =`)
        .replace('[service', `[instances]\nonly${i} = ["alice"]\n[service`);
      if (i === 0) {
        prepareApp(text);
        cpSync('test/fixtures/apps/lean.pl', join(APP, 'app.pl'));
      } else writeFileSync(CONFIG, text);
      await tenDone(t, 'install');
      await answers(`alice.only${i}`);
      t.notRegex(await tenDone(t, 'doctor', '--quick'), /was made for another configuration/);
    },
  );
}
