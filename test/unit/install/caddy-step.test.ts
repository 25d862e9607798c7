/** What was chosen for Caddy is remembered, and its file is as people left it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'ava';
import { caddyfile } from '../../../src/install/caddyfile.js';
import { AS_BEFORE, planInstall } from '../../../src/install/install.js';
import { isAsWritten, seal, unsealed } from '../../../src/install/seal.js';
import { planUninstall } from '../../../src/install/uninstall.js';
import { machineFor, UNIT } from '../../helpers/install-machine.js';

const CHOSEN = { caddy: true, domain: 'example.com', dnsProvider: 'hetzner', port: 9000 } as const;
const read = (path: string): string => readFileSync(path, 'utf8');

for (const [title, again] of Object.entries({
  'without options': {},
  'with --caddy alone': { caddy: true },
  'with the port alone': { port: 9000 },
  'with the domain alone': { domain: 'example.com' },
})) {
  test(`installed again ${title}, every choice is as it was`, async (t) => {
    const { places, install } = machineFor(t, UNIT);
    await install(CHOSEN);
    const before = [places.caddyfile, places.config, places.record].map(read);
    t.deepEqual((await install(again)).steps, []);
    t.deepEqual([places.caddyfile, places.config, places.record].map(read), before);
    t.regex(read(places.caddyfile), /\*\.example\.com.*dns hetzner.*127\.0\.0\.1:9000/s);
  });
}

test('addresses on which only this machine reaches the server stay when Caddy comes in front of it', async (t) => {
  const { places, install } = machineFor(t, `[settings]\nlisten = ["unix:/run/ten.sock"]\n${UNIT}`);
  await install({ caddy: true, domain: 'example.com' });
  t.regex(read(places.caddyfile), /reverse_proxy unix\/\/run\/ten\.sock/);
});

test('a port of all addresses is one of loopback when Caddy comes in front, and again of all when it goes', async (t) => {
  const { places, install } = machineFor(t, `[settings]\nlisten = ["0.0.0.0:9000"]\n${UNIT}`);
  await install({ caddy: true, domain: 'example.com', dnsProvider: 'hetzner' });
  t.regex(read(places.config), /listen = \["127\.0\.0\.1:9000", "\[::1\]:9000"\]/);
  const { record } = await install({ caddy: false });
  t.regex(read(places.config), /listen = \["0\.0\.0\.0:9000", "\[::\]:9000"\]/);
  t.regex(read(places.config), /trusted_proxies = \[\]/);
  t.false(existsSync(places.caddyfile));
  t.is(record.dnsProvider, undefined);
  t.deepEqual((await install()).steps, []);
});

test('certificates for single names are a choice, too', async (t) => {
  const { places, install } = machineFor(t, UNIT);
  await install(CHOSEN);
  await install({ dnsProvider: false });
  t.notRegex(read(places.caddyfile), /hetzner/);
  t.deepEqual((await install({ caddy: true })).steps, []);
});

test('the provider that an older version knew only in its Caddyfile is taken from there', async (t) => {
  const { places, install } = machineFor(t, UNIT);
  await install(CHOSEN);
  const { dnsProvider: _, ...older } = JSON.parse(read(places.record));
  writeFileSync(places.record, JSON.stringify(older));
  const text = read(places.caddyfile);
  writeFileSync(places.caddyfile, unsealed(text));
  t.is((await install()).record.dnsProvider, 'hetzner');
  t.is(read(places.caddyfile), text);
});

test('what a newer version has remembered survives an older one', async (t) => {
  const { places, install } = machineFor(t, UNIT);
  await install(CHOSEN);
  writeFileSync(places.record, JSON.stringify({ ...JSON.parse(read(places.record)), later: ['x'] }));
  await install({ domain: 'example.org' });
  t.deepEqual(JSON.parse(read(places.record)).later, ['x']);
});

test('a provider without Caddy, and one that is no word, are refused', (t) => {
  const { machine } = machineFor(t, UNIT);
  const plan = (options: object) => () => planInstall({ ...AS_BEFORE, ...options }, machine());
  t.throws(plan({ dnsProvider: 'hetzner' }), { message: /setting of Caddy/ });
  t.throws(plan({ caddy: true, dnsProvider: 'x {' }), { message: /not the name/ });
});

test('the Caddyfile follows the configuration and the domain, without any option', async (t) => {
  const { places, install, commands } = machineFor(t, `${UNIT}\n[instances]\na = ["one"]\n`);
  await install({ caddy: true, domain: 'example.com' });
  writeFileSync(places.config, read(places.config).replace('["one"]', '["one", "two"]'));
  t.notRegex(commands((await install()).steps).join('\n'), /caddy/);
  t.regex(read(places.caddyfile), /two\.a\.example\.com/);
  mkdirSync(dirname(places.caddyMain), { recursive: true });
  writeFileSync(places.caddyMain, `import ${places.caddyfile}\n`);
  const { steps } = await install({ domain: 'example.org' });
  t.regex(read(places.caddyfile), /two\.a\.example\.org/);
  t.regex(commands(steps).join('\n'), /caddy\.service/);
});

test('a changed Caddyfile is kept, and the new one is put beside it, once', async (t) => {
  const { places, install, machine, carryOut } = machineFor(t, UNIT);
  await install(CHOSEN);
  const mine = read(places.caddyfile).replace('reverse_proxy', 'log\n\treverse_proxy');
  writeFileSync(places.caddyfile, mine);
  // Nothing new to tell.
  t.deepEqual((await install()).steps, []);
  const { notes } = await install({ domain: 'example.org' });
  t.is(read(places.caddyfile), mine);
  t.regex(read(places.proposal), /example\.org/);
  t.regex(notes.join('\n'), /has changes of yours and stays.*diff .*mv /);
  t.deepEqual((await install()).steps, []);
  // Taken over, as the note says.
  writeFileSync(places.caddyfile, read(places.proposal));
  await install();
  t.false(existsSync(places.proposal));
  t.deepEqual((await install()).steps, []);
  writeFileSync(places.caddyfile, mine);
  const removal = planUninstall(places, machine().installed, true);
  t.regex(removal.notes.join('\n'), /Caddyfile has changes of yours and stays/);
  await carryOut(removal.steps);
  t.is(read(places.caddyfile), mine);
});

test('one that Caddy refuses does not take the place of one that works, and is written where there is none', async (t) => {
  const { places, install, machine, carryOut } = machineFor(t, UNIT);
  await install({ caddy: true, domain: 'example.com' });
  const works = read(places.caddyfile);
  const refusing = { ...machine(), caddyRefuses: () => 'module not registered: dns.providers.hetzner' };
  const plan = () => planInstall({ ...AS_BEFORE, dnsProvider: 'hetzner' }, refusing);
  t.regex(plan().notes.join('\n'), /Caddy refuses.*not registered.*docs\/production\.md/);
  await carryOut(plan().steps);
  t.is(read(places.caddyfile), works);
  t.regex(read(places.proposal), /hetzner/);
  // With the module.
  await install();
  t.regex(read(places.caddyfile), /hetzner/);
  t.false(existsSync(places.proposal));
});

test('a seal is broken by any change', (t) => {
  const text = caddyfile({
    domain: 'example.com',
    upstream: '127.0.0.1:1',
    dnsProvider: undefined,
    tenants: undefined,
    services: [],
    instances: [],
    adminHost: undefined,
  });
  t.true(isAsWritten(text));
  t.is(seal(unsealed(text)), text);
  for (const changed of [
    `${text}#\n`,
    text.replace('example', 'examplf'),
    unsealed(text),
    text.slice(1),
    '',
  ]) {
    t.false(isAsWritten(changed));
  }
});
