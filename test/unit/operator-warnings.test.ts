import test, { type ExecutionContext } from 'ava';
import { loadConfig } from '../../src/config/load.js';
import { unitNeedsOf } from '../../src/install/unit-needs.js';
import { OperatorWarnings } from '../../src/operator-warnings.js';
import { configFile } from '../helpers/config-file.js';

const config = (t: ExecutionContext, text: string) =>
  loadConfig({ path: configFile(t, text), dataDir: '/srv/data', env: {} });
const service = (isolation: string, lines = '') =>
  `[service.a]\ncommand = "/bin/true"\nisolation = "${isolation}"\n${lines}\n`;
const systemd = { works: true, reason: '', cgroups: undefined, version: '244', missing: ['PrivateIPC'] };

function warnings(host: ConstructorParameters<typeof OperatorWarnings>[0]['host'], unit?: string) {
  return (t: ExecutionContext) => {
    const said: string[] = [];
    const log = { warn: (text: string) => said.push(text), error: (text: string) => said.push(text) };
    const needs = unit === undefined ? undefined : unitNeedsOf(config(t, unit));
    return { said, warnings: new OperatorWarnings({ host, unit: needs, log: log as never }) };
  };
}

test('what this systemd lacks is said once, when a service is first to run as a unit', (t) => {
  const { said, warnings: all } = warnings({ root: true, systemd })(t);
  all.tell(config(t, service('namespace')));
  t.deepEqual(said, []);
  all.tell(config(t, service('systemd')));
  t.is(said.length, 1);
  t.regex(said.join(), /PrivateIPC/);
  all.tell(config(t, service('systemd', 'idle_timeout = 5')));
  t.is(said.length, 1);
});

test('what the installed unit does not give is said for each change that needs more', (t) => {
  const { said, warnings: all } = warnings({ root: true }, service('systemd'))(t);
  all.tell(config(t, service('systemd')));
  t.deepEqual(said, []);
  all.tell(config(t, service('namespace')));
  t.is(said.length, 1);
  t.regex(said.join(), /mounts and namespaces.*sudo ten install/);
  all.tell(config(t, service('systemd')));
  all.tell(config(t, service('namespace')));
  t.is(said.length, 2);
});

test('apps that run as root are named', (t) => {
  const { said, warnings: all } = warnings({ root: true })(t);
  all.tell(config(t, service('process')));
  t.true(said.some((text) => /runs as root.* of a:/.test(text)));
});
