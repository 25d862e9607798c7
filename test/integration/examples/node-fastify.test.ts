import test from 'ava';
import { execa } from 'execa';
import { copyExample, serveExample } from '../../helpers/example-server.js';
import { haveTools } from '../../helpers/require-tool.js';

test('node-fastify: packages by npm ci, a list per customer', async (t) => {
  if (!haveTools(t, 'npm')) return;
  const directory = await copyExample(t, 'node-fastify');
  await execa('npm', ['ci', '--no-audit', '--no-fund'], { cwd: directory });
  const server = await serveExample(t, directory);
  const add = (who: string, body: unknown) =>
    server.request(`${who}.todos.localhost`, '/todos', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  const list = async (who: string) =>
    JSON.parse((await server.request(`${who}.todos.localhost`, '/todos')).text);

  t.is((await add('alice', { title: 'write' })).status, 201);
  t.is((await add('alice', { heading: 'write' })).status, 400);
  t.deepEqual(await list('alice'), { instance: 'alice', todos: [{ id: 1, title: 'write' }] });
  t.deepEqual(await list('bob'), { instance: 'bob', todos: [] });

  t.is((await server.ten('stop', 'todos:alice')).exitCode, 0);
  t.deepEqual((await list('alice')).todos, [{ id: 1, title: 'write' }]);
});
