import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type CaddySite, caddyfile } from '../../../src/install/caddyfile.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const SITE: CaddySite = {
  domain: 'example.com',
  upstream: '127.0.0.1:8080',
  dnsProvider: undefined,
  tenants: undefined,
  services: ['notes', 'site'],
  instances: [{ service: 'notes', id: 'alice' }],
  adminHost: undefined,
};

/** The names of the one site that it has. */
const namesIn = (text: string): string[] => (/^([^#\t\n].*) \{$/m.exec(text)?.[1] ?? '').split(', ');

test('without a DNS provider it names those that are listed', (t) => {
  t.deepEqual(namesIn(caddyfile(SITE)), ['example.com', 'alice.notes.example.com']);
  t.deepEqual(namesIn(caddyfile({ ...SITE, tenants: 'notes', adminHost: 'ops.example.org' })), [
    'example.com',
    'alice.example.com',
    'ops.example.org',
  ]);
});

test('with one, a wildcard for each level', (t) => {
  const wild = { ...SITE, dnsProvider: 'hetzner' };
  t.deepEqual(namesIn(caddyfile(wild)), [
    'example.com',
    '*.example.com',
    '*.notes.example.com',
    '*.site.example.com',
  ]);
  t.true(caddyfile(wild).includes('dns hetzner {env.DNS_API_TOKEN}'));
  t.deepEqual(namesIn(caddyfile({ ...wild, tenants: 'notes' })), [
    'example.com',
    '*.example.com',
    '*.site.example.com',
  ]);
});

test('a host for administration that no wildcard covers is named by itself', (t) => {
  const names = (adminHost: string) => namesIn(caddyfile({ ...SITE, dnsProvider: 'x', adminHost }));
  t.false(names('ops.example.com').includes('ops.example.com'));
  t.true(names('ops.inner.example.com').includes('ops.inner.example.com'));
});

for (const [title, site] of Object.entries({
  'single names': SITE,
  localhost: { ...SITE, domain: 'localhost' },
  'a Unix socket': { ...SITE, upstream: 'unix:/run/tenement.sock' },
})) {
  test(`Caddy itself finds no fault with it: ${title}`, (t) => {
    const file = join(freshDir(t), 'Caddyfile');
    writeFileSync(file, caddyfile(site));
    const home = freshDir(t);
    try {
      execFileSync('caddy', ['validate', '--adapter', 'caddyfile', '--config', file], {
        stdio: 'pipe',
        env: { PATH: process.env.PATH, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
      });
      t.pass();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      t.log('skipped: there is no caddy here');
      t.pass();
    }
  });
}
