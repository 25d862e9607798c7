import test, { type ExecutionContext } from 'ava';
import { loadConfig } from '../../../src/config/load.js';
import type { Config, ServiceConfig } from '../../../src/config/schema.js';
import { type UnitNeeds, unitNeedsOf, unmet } from '../../../src/install/unit-needs.js';
import { configFile } from '../../helpers/config-file.js';

const BASE = { isolation: 'systemd', network: 'none', workdir: '/srv/app', command: '/srv/app/run' } as const;

/** Of a configuration with one service; what is changed need not exist. */
function needs(t: ExecutionContext, changes: Partial<ServiceConfig>, listen?: string[]): UnitNeeds {
  const path = configFile(t, '[service.a]\ncommand = "./run"\n');
  const config: Config = loadConfig({ path, dataDir: '/srv/data', env: {} });
  const a = config.service.a as ServiceConfig;
  return unitNeedsOf({
    ...config,
    settings: { ...config.settings, ...(listen && { listen }) },
    service: { a: { ...a, ...BASE, ...changes } },
  });
}

test('the same configuration, or one that needs less, is met', (t) => {
  t.deepEqual(unmet(needs(t, {}), needs(t, {})), []);
  t.deepEqual(unmet(needs(t, { isolation: 'namespace', drain_timeout: 60 }), needs(t, {})), []);
});

const PROCESS = { isolation: 'process', user: 'auto' } as const;
const CHANGES: readonly [
  what: string,
  before: Partial<ServiceConfig>,
  after: Partial<ServiceConfig>,
  told: RegExp,
][] = [
  ['walls that the server builds', {}, { isolation: 'namespace' }, /mounts and namespaces/],
  ['a network that the server builds', {}, { network: 'egress' }, /mounts and namespaces/],
  ['apps of other users', {}, PROCESS, /as other users/],
  ['apps of users who were there before', PROCESS, { ...PROCESS, user: 'daemon' }, /not made for them/],
  ['the network of the machine', {}, { network: 'host' }, /loopback/],
  ['a longer drain', { drain_timeout: 5 }, { drain_timeout: 60 }, /for a clean stop .* not \d+ s/],
  ['a directory', PROCESS, { ...PROCESS, read_write_paths: ['/mnt/x'] }, /write \/mnt\/x/],
  ['files in /tmp', {}, { workdir: '/tmp/x' }, /below \/tmp/],
  ['files of a home', {}, { read_only_paths: ['/home/x'] }, /home directories/],
];
for (const [what, before, after, told] of CHANGES) {
  test(`what the installed unit does not give is named: ${what}`, (t) => {
    t.regex(unmet(needs(t, before), needs(t, after)).join('; '), told);
    t.deepEqual(unmet(needs(t, after), needs(t, after)), []);
  });
}

test('a directory within one that may be written is met', (t) => {
  const before = needs(t, { ...PROCESS, read_write_paths: ['/mnt'] });
  t.deepEqual(unmet(before, needs(t, { ...PROCESS, read_write_paths: ['/mnt/x'] })), []);
  t.regex(unmet(before, needs(t, { ...PROCESS, read_write_paths: ['/mntx'] })).join(), /\/mntx/);
});

test('other addresses are named', (t) => {
  t.regex(unmet(needs(t, {}, ['[::]:80']), needs(t, {}, ['[::]:81'])).join(), /other addresses/);
  t.regex(unmet(needs(t, {}, ['[::]:80']), needs(t, {})).join(), /other addresses/);
  t.deepEqual(unmet(needs(t, {}, ['[::]:80']), needs(t, {}, ['[::]:80'])), []);
});
