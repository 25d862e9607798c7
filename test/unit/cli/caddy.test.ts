/** `ten caddy` on a machine with an installed server. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import test from 'ava';
import { namesFor } from '../../../src/cli/run-caddy.js';
import { caddyfile } from '../../../src/install/caddyfile.js';
import { layout } from '../../../src/install/layout.js';
import { isAsWritten } from '../../../src/install/seal.js';
import { CADDY_MARKER } from '../../../systemd/units/marker.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { machineFor, UNIT } from '../../helpers/install-machine.js';

const NONE = { domain: undefined, dnsProvider: undefined };

test('what the installation remembers is what the Caddyfile is for', async (t) => {
  const { places, install } = machineFor(t, UNIT);
  await install({ domain: 'example.com', caddy: true, dnsProvider: 'hetzner' });
  const remembered = { domain: 'example.com', dnsProvider: 'hetzner' };
  for (const config of [undefined, { path: places.config }])
    t.deepEqual(namesFor(NONE, config, places), remembered);
  t.deepEqual(namesFor({ domain: 'example.org', dnsProvider: false }, { path: places.config }, places), {
    domain: 'example.org',
    dnsProvider: undefined,
  });
  t.deepEqual(namesFor(NONE, { path: '/srv/another/tenement.toml' }, places), {
    domain: 'localhost',
    dnsProvider: undefined,
  });
});

test('without an installation it is for localhost', (t) => {
  t.deepEqual(namesFor(NONE, undefined, layout(freshDir(t))), {
    domain: 'localhost',
    dnsProvider: undefined,
  });
});

test('one that `ten caddy` wrote says so, is known as unchanged, and goes with the installation', async (t) => {
  const site = { domain: 'localhost', upstream: '127.0.0.1:8080', dnsProvider: undefined };
  const text = caddyfile(
    { ...site, tenants: undefined, services: [], instances: [], adminHost: undefined },
    CADDY_MARKER,
  );
  t.regex(text, /^# Written by `ten caddy`\.\n# As written: /);
  t.true(isAsWritten(text));
  t.false(isAsWritten(`${text}# mine\n`));
  const { places, install } = machineFor(t, UNIT);
  mkdirSync(dirname(places.caddyfile), { recursive: true });
  writeFileSync(places.caddyfile, text);
  const { notes } = await install({ caddy: true, domain: 'example.com' });
  t.false(notes.some((note) => note.includes('changes of yours')));
});
