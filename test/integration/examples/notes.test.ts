import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { copyExample, serveExample } from '../../helpers/example-server.js';
import { haveTools } from '../../helpers/require-tool.js';

test('notes: one database per customer, kept over stop and wake', async (t) => {
  if (!haveTools(t, 'python3')) return;
  const server = await serveExample(t, await copyExample(t, 'notes'));
  const add = (who: string, text: string) =>
    server.request(`${who}.notes.localhost`, '/notes', { method: 'POST', body: JSON.stringify({ text }) });
  const notesOf = async (who: string): Promise<string[]> => {
    const reply = await server.request(`${who}.notes.localhost`, '/notes');
    t.is(reply.status, 200);
    return JSON.parse(reply.text).notes.map((note: { text: string }) => note.text);
  };

  t.is((await add('alice', 'buy milk')).status, 201);
  t.is((await add('bob', 'call <mum>')).status, 201);
  t.deepEqual(await notesOf('alice'), ['buy milk']);
  t.deepEqual(await notesOf('bob'), ['call <mum>']);

  const page = await server.request('bob.notes.localhost', '/');
  t.regex(page.headers['content-type'] ?? '', /^text\/html/);
  t.true(page.text.includes('call &lt;mum&gt;'));

  const spawned = await server.ten('spawn', 'notes:carol');
  t.is(spawned.exitCode, 0);
  t.regex(spawned.stdout, /Spawned notes:carol\nListening on 127\.0\.0\.1:\d+/);
  t.is((await add('carol', 'first')).status, 201);
  t.true(existsSync(join(server.dataDir, 'carol', 'notes.db')));

  t.is((await server.ten('stop', 'notes:carol')).exitCode, 0);
  t.is((await server.ten('health', 'notes:carol')).stdout, 'notes:carol: sleeping');
  t.deepEqual(await notesOf('carol'), ['first']);

  const kept = JSON.parse((await server.request('carol.notes.localhost', '/notes')).text).notes[0].id;
  const removed = await server.request('carol.notes.localhost', `/notes/${kept}`, { method: 'DELETE' });
  t.is(removed.status, 200);
  t.deepEqual(await notesOf('carol'), []);
  t.deepEqual(await notesOf('alice'), ['buy milk']);
});
