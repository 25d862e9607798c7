import test from 'ava';
import { copyExample, serveExample } from '../../helpers/example-server.js';

test('node-http saves its count when it is stopped and goes on when it wakes', async (t) => {
  const server = await serveExample(t, await copyExample(t, 'node-http'));
  const visit = async (who: string): Promise<{ instance: string; visits: number; pid: number }> =>
    JSON.parse((await server.request(`${who}.counter.localhost`, '/')).text);

  const first = await visit('alice');
  t.like(first, { instance: 'alice', visits: 1 });
  t.like(await visit('alice'), { visits: 2, pid: first.pid });
  t.like(await visit('bob'), { instance: 'bob', visits: 1 });

  t.is((await server.ten('stop', 'counter:alice')).exitCode, 0);
  const woken = await visit('alice');
  t.is(woken.visits, 3);
  t.not(woken.pid, first.pid);
});
