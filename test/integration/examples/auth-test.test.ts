import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { copyExample, serveExample } from '../../helpers/example-server.js';
import { haveTools } from '../../helpers/require-tool.js';

test("auth-test: the app's own tokens decide, tenement's play no part", async (t) => {
  if (!haveTools(t, 'python3')) return;
  const server = await serveExample(t, await copyExample(t, 'auth-test'));
  const ask = (who: string, path: string, headers: Record<string, string | string[]> = {}) =>
    server.request(`${who}.vault.localhost`, path, { headers });
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

  t.is((await ask('alice', '/health')).status, 200);
  t.is((await ask('bob', '/health')).status, 200);
  const [alice, bob] = ['alice', 'bob'].map((who) =>
    readFileSync(join(server.dataDir, who, 'token'), 'utf8').trim(),
  );
  const admin = readFileSync(join(server.dataDir, 'api_token'), 'utf8').trim();
  t.truthy(alice);
  t.truthy(bob);
  if (!alice || !bob) return;

  const without = await ask('alice', '/whoami');
  t.is(without.status, 401);
  t.is(without.headers['www-authenticate'], 'Bearer realm="app"');
  t.is(without.headers['tenement-error'], undefined);
  t.is((await ask('alice', '/whoami', bearer(bob))).status, 403);
  t.is((await ask('alice', '/whoami', bearer(admin))).status, 403);
  t.is((await ask('alice', '/whoami', bearer(alice))).text, '{"tenant": "alice"}\n');
});

test('auth-test: headers arrive as they were sent', async (t) => {
  if (!haveTools(t, 'python3')) return;
  const server = await serveExample(t, await copyExample(t, 'auth-test'));
  await server.request('alice.vault.localhost', '/health');
  const token = readFileSync(join(server.dataDir, 'alice', 'token'), 'utf8').trim();
  const sent: Record<string, string | string[]> = {
    Authorization: `Bearer ${token}`,
    'X-MiXeD-CaSe': 'Value With  two spaces',
    'X-Twice': ['one', 'two'],
    Cookie: 'a=1; b="2"',
  };
  const reply = await server.request('alice.vault.localhost', '/headers', { headers: sent });
  t.is(reply.status, 200);
  const arrived: [string, string][] = JSON.parse(reply.text).headers;
  const valuesOf = (name: string) => arrived.filter(([key]) => key === name).map(([, value]) => value);
  t.deepEqual(valuesOf('Host'), [`alice.vault.localhost:${server.port}`]);
  for (const [name, value] of Object.entries(sent)) t.deepEqual(valuesOf(name), [value].flat(), name);
  const lower = new Map(arrived.map(([name, value]) => [name.toLowerCase(), value]));
  t.is(lower.get('x-forwarded-for'), '127.0.0.1');
  t.is(lower.get('x-forwarded-proto'), 'http');
  t.is(lower.get('x-forwarded-host'), `alice.vault.localhost:${server.port}`);
  t.truthy(lower.get('x-request-id'));
});
