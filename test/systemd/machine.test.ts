import { readFileSync } from 'node:fs';
import test from 'ava';
import { execa } from 'execa';
import { property } from './units.js';

test('this is a machine of its own: systemd is its first process, and D-Bus reaches it', async (t) => {
  t.is(readFileSync('/proc/1/comm', 'utf8').trim(), 'systemd');
  const { stdout } = await execa('busctl', [
    ...['get-property', 'org.freedesktop.systemd1', '/org/freedesktop/systemd1'],
    ...['org.freedesktop.systemd1.Manager', 'Version'],
  ]);
  t.regex(stdout, /^s "\d+/);
});

test('a unit is started, frozen, thawed and stopped', async (t) => {
  const unit = `tenement-test-${process.pid}.service`;
  t.teardown(() => execa('systemctl', ['stop', unit], { reject: false }).then(() => undefined));
  await execa('systemd-run', ['--collect', `--unit=${unit}`, 'sleep', 'infinity']);
  await execa('systemctl', ['freeze', unit]);
  t.is(await property(unit, 'FreezerState'), 'frozen');
  await execa('systemctl', ['thaw', unit]);
  t.is(await property(unit, 'FreezerState'), 'running');
  await execa('systemctl', ['stop', unit]);
  t.is(await property(unit, 'ActiveState'), 'inactive');
});
