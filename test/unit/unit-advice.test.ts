import test, { type ExecutionContext } from 'ava';
import { TenementError } from '../../src/base/errors.js';
import { loadConfig } from '../../src/config/load.js';
import { unitNeedsOf } from '../../src/install/unit-needs.js';
import { hiddenByUnit, startAdvice } from '../../src/unit-advice.js';
import { configFile } from '../helpers/config-file.js';

const config = (t: ExecutionContext, text: string) =>
  loadConfig({ path: configFile(t, text), dataDir: '/srv/data', env: {} });
const service = (name: string, lines: string) => `[service.${name}]\ncommand = "/bin/true"\n${lines}\n`;
const UNITS = service('units', 'isolation = "systemd"');

test('what the unit lacks for a service is the advice for its starts alone', (t) => {
  const unit = unitNeedsOf(config(t, UNITS));
  const all = config(
    t,
    `[settings]\nlisten = ["127.0.0.1:1"]\n${UNITS}${service('ns', 'isolation = "namespace"')}${service('proc', 'isolation = "process"\nuser = "auto"\nstop_timeout = 500')}`,
  );
  t.is(startAdvice(unit, all, 'units'), undefined);
  t.regex(startAdvice(unit, all, 'ns') ?? '', /namespaces.*`sudo ten install` again\.$/);
  t.regex(startAdvice(unit, all, 'proc') ?? '', /other users.*`sudo ten install` again\.$/);
  t.is(startAdvice(undefined, all, 'ns'), undefined);
  t.is(startAdvice(unitNeedsOf(all), all, 'proc'), undefined);
  t.is(startAdvice(unit, all, 'none'), undefined);
});

test('directories that only the service does not see are the fault of its unit', (t) => {
  // The file of the test, and with it the app, may be below /tmp.
  const unit = { ...unitNeedsOf(config(t, UNITS)), sharesTmp: false, homes: false };
  const load = (path: string) =>
    t.throws(() => config(t, service('app', `workdir = "${path}"`)), { instanceOf: TenementError });
  for (const path of ['/home/nobody-here/app', '/root/not-here', '/tmp/not-here', '/var/tmp/not-here']) {
    const error = load(path);
    const told = hiddenByUnit(error, unit) as TenementError;
    t.is(told.message, error?.message);
    t.regex(told.hint, /`sudo ten install` again\.$/, path);
    t.notRegex(told.hint, /ten check/);
    t.is(hiddenByUnit(error, undefined), error);
    t.is(hiddenByUnit(error, { ...unit, homes: true, sharesTmp: true }), error);
  }
  const elsewhere = load('/srv/not-here');
  t.is(hiddenByUnit(elsewhere, unit), elsewhere);
});
