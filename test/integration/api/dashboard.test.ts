import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../../../src/base/package-root.js';
import { startApi } from '../../helpers/api-server.js';

const directory = join(packageRoot, 'src', 'dashboard');

test('the page and all its parts are served without a token, and nothing inline may run', async (t) => {
  const server = await startApi(t);
  const page = await server.call('GET', '/');
  t.is(page.status, 200);
  t.is(page.headers['content-type'], 'text/html; charset=utf-8');
  const policy = String(page.headers['content-security-policy']);
  t.regex(policy, /default-src 'none'/);
  t.notRegex(policy, /unsafe/);
  t.regex(policy, /frame-ancestors 'none'/);
  for (const name of await readdir(directory)) {
    const reply = await server.call('GET', `/assets/${name}`);
    t.is(reply.status, 200, `${name} is not in the list of files that are served`);
    const again = await server.call('GET', `/assets/${name}`, {
      headers: { 'if-none-match': String(reply.headers.etag) },
    });
    t.is(again.status, 304);
  }
});

test('no other file can be read through it', async (t) => {
  const server = await startApi(t);
  for (const path of [
    '/assets/../server.js',
    '/assets/..%2Fapi%2Fserver.ts',
    '/assets/%2Fetc%2Fpasswd',
    '/assets/__proto__',
    '/assets/constructor',
    '/assets/style.css%00',
  ]) {
    t.is((await server.call('GET', path)).status, 404, path);
  }
});

test('the page needs nothing from elsewhere, and never turns text into markup', async (t) => {
  for (const name of await readdir(directory)) {
    const text = readFileSync(join(directory, name), 'utf8').replace('http://www.w3.org/2000/svg', '');
    t.notRegex(text, /https?:\/\//, `${name} names another host`);
    t.notRegex(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/, name);
    t.notRegex(
      text,
      /\son\w+=|style="|<style|<script(?! type="module" src=)/,
      `${name}: the policy forbids inline code`,
    );
  }
});
