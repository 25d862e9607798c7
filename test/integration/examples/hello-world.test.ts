import test from 'ava';
import { copyExample, serveExample } from '../../helpers/example-server.js';
import { haveTools } from '../../helpers/require-tool.js';

test('hello-world greets the instance by its name', async (t) => {
  if (!haveTools(t, 'python3')) return;
  const server = await serveExample(t, await copyExample(t, 'hello-world'));
  const world = await server.request('world.hello.localhost', '/');
  t.is(world.status, 200);
  t.is(world.text, 'Hello, world!\n');

  t.is((await server.request('moon.hello.localhost', '/')).status, 404);
  t.is((await server.ten('spawn', 'hello:moon')).exitCode, 0);
  t.is((await server.request('moon.hello.localhost', '/')).text, 'Hello, moon!\n');
});
