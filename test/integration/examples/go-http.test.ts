import test from 'ava';
import { execa } from 'execa';
import { copyExample, serveExample } from '../../helpers/example-server.js';
import { haveTools } from '../../helpers/require-tool.js';

test('go-http: a built binary, a guest book per customer', async (t) => {
  if (!haveTools(t, 'go')) return;
  const directory = await copyExample(t, 'go-http');
  await execa('go', ['build', '-o', 'guestbook', '.'], { cwd: directory });
  const server = await serveExample(t, directory);
  const sign = (who: string, body: string) =>
    server.request(`${who}.guestbook.localhost`, '/entries', { method: 'POST', body });
  const read = async (who: string) =>
    JSON.parse((await server.request(`${who}.guestbook.localhost`, '/entries')).text);

  t.is((await sign('alice', '{"name": "Ada"}')).status, 201);
  t.is((await sign('alice', 'nonsense')).status, 400);
  t.deepEqual(await read('alice'), { instance: 'alice', entries: [{ name: 'Ada' }] });
  t.deepEqual(await read('bob'), { instance: 'bob', entries: [] });

  t.is((await server.ten('stop', 'guestbook:alice')).exitCode, 0);
  t.deepEqual((await read('alice')).entries, [{ name: 'Ada' }]);
});
