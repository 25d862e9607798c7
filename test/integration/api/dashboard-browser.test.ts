// The dashboard in a real browser: what the text checks of dashboard.test.ts can't know.
import { writeFileSync } from 'node:fs';
import test from 'ava';
import type { InstanceView } from '../../../src/supervisor/control.js';
import { startApi } from '../../helpers/api-server.js';
import { openPage } from '../../helpers/browser.js';
import { haveTools } from '../../helpers/require-tool.js';

const ATTACK = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';

test('a person signs in, sees instances, acts on them and reads logs; text stays text', async (t) => {
  if (!haveTools(t, 'chromium')) return;
  const page = await openPage(t);
  const server = await startApi(t);
  server.logs.add({
    service: 'notes',
    id: 'alice',
    stream: 'stderr',
    at: server.clock.now(),
    message: ATTACK,
  });
  await server.control.stop({ service: 'notes', id: 'bob' }, { hold: false });
  await page.goto(`http://127.0.0.1:${server.port}/`);
  const signIn = (token: string) =>
    page.evaluate(
      `document.querySelector('#token').value = ${JSON.stringify(token)}; document.querySelector('#sign-in-form button').click()`,
    );
  await page.until(`!document.querySelector('#sign-in').hidden`);

  await signIn('wrong');
  await page.until(`document.querySelector('#sign-in-error').textContent.includes('not valid')`);
  t.is(await page.evaluate('sessionStorage.length'), 0, 'a token that is refused is not kept');

  await signIn(server.token({ kind: 'admin' }));
  await page.until(`document.querySelectorAll('#rows tr').length === 3`);
  t.deepEqual(
    await page.evaluate(
      `[...document.querySelectorAll('#rows tr')].map((row) => row.cells[0].textContent + ' ' + row.cells[1].textContent)`,
    ),
    ['notes:alice healthy', 'notes:bob sleeping', 'shop:alice healthy'],
  );

  await page.until(`document.querySelector('#log').textContent.includes('onerror')`);
  t.is(await page.evaluate(`document.querySelectorAll('#log img, #log script').length`), 0);
  t.is(await page.evaluate('document.title'), 'tenement');

  await page.evaluate(
    `document.querySelector('#filter').value = 'bob'; document.querySelector('#filter').oninput()`,
  );
  t.is(await page.evaluate(`document.querySelectorAll('#rows tr').length`), 1);
  await page.evaluate(`document.querySelector('[aria-label="Start notes:bob"]').click()`);
  await page.until(`document.querySelector('#rows').textContent.includes('healthy')`);
  t.true(server.control.calls.includes('spawn notes:bob'));
  await page.evaluate(`document.querySelector('[aria-label="Stop notes:bob"]').click()`);
  await page.until(`document.querySelector('#toast').textContent.includes('sleeps')`);

  await page.evaluate(
    `document.querySelector('#filter').value = ''; document.querySelector('#filter').oninput()`,
  );
  await page.evaluate(`document.querySelector('[aria-label="Logs shop:alice"]').click()`);
  await page.until(`document.querySelector('#log-state').textContent === 'live'`);
  server.logs.add({
    service: 'shop',
    id: 'alice',
    stream: 'stdout',
    at: server.clock.now(),
    message: 'sold one',
  });
  await page.until(`document.querySelector('#log').textContent.includes('sold one')`);
  t.false(await page.evaluate(`document.querySelector('#log').textContent.includes('onerror')`));

  if (process.env.DASHBOARD_PICTURE !== undefined) {
    writeFileSync(process.env.DASHBOARD_PICTURE, await page.screenshot());
  }
  await page.evaluate(`document.querySelector('#sign-out').click()`);
  t.is(await page.evaluate('sessionStorage.length'), 0);
  t.deepEqual(
    page.complaints.filter((complaint) => !complaint.includes('401')),
    [],
    'no exception, and nothing that the policy had to block',
  );
});

test('a tenant sees its own instances and no buttons that it may not use', async (t) => {
  if (!haveTools(t, 'chromium')) return;
  const page = await openPage(t);
  const server = await startApi(t);
  await page.goto(`http://127.0.0.1:${server.port}/`);
  const token = server.token({ kind: 'tenant', tenant: 'bob' });
  await page.evaluate(`sessionStorage.setItem('tenement-token', '${token}')`);
  await page.goto(`http://127.0.0.1:${server.port}/?again`);
  await page.until(`document.querySelectorAll('#rows tr').length === 1`);
  t.deepEqual(
    await page.evaluate(`[...document.querySelectorAll('#rows button')].map((b) => b.textContent)`),
    ['Logs', 'Restart'],
  );
});

test('on a telephone the page does not scroll sideways, and tells what is frozen and what went wrong', async (t) => {
  if (!haveTools(t, 'chromium')) return;
  const page = await openPage(t);
  const server = await startApi(t);
  const show = (name: string, changes: Partial<InstanceView>) => {
    const kept = server.control.kept.get(name);
    if (kept !== undefined) server.control.kept.set(name, { ...kept, view: { ...kept.view, ...changes } });
  };
  const problem =
    'it could not be started: /srv/apps/notes/releases/2024-11-05/bin/notes-server exited with code 127';
  show('notes:alice', { state: 'backoff', health: 'unhealthy', restarts: 3, lastProblem: problem });
  show('notes:bob', { state: 'frozen', health: 'sleeping', memoryBytes: 123_456_789 });
  await page.resize(390, 844);
  await page.goto(`http://127.0.0.1:${server.port}/`);
  const token = server.token({ kind: 'admin' });
  await page.evaluate(`sessionStorage.setItem('tenement-token', '${token}')`);
  await page.goto(`http://127.0.0.1:${server.port}/?again`);
  await page.until(`document.querySelectorAll('#rows tr').length === 3`);
  const sideways = `[document.documentElement, ...document.querySelectorAll('main, section, .scroll, #rows tr')]
    .filter((one) => one.scrollWidth > one.clientWidth + 1)
    .map((one) => one.tagName + ' ' + one.className + ' ' + one.scrollWidth)`;
  t.deepEqual(await page.evaluate(sideways), []);
  // What is to be pressed is on the screen as a whole.
  const outside = `[...document.querySelectorAll('#board button, #board input, #board select')]
    .filter((one) => one.offsetParent !== null && one.getBoundingClientRect().right > innerWidth)
    .map((one) => one.textContent || one.id)`;
  t.deepEqual(await page.evaluate(outside), []);
  const shown = (row: number) =>
    page.evaluate<string>(`document.querySelectorAll('#rows tr')[${row}].innerText`);
  t.true((await shown(0)).includes(problem));
  t.regex(await shown(1), /frozen/);
  t.is(await page.evaluate(`document.querySelectorAll('.problem:not([hidden])').length`), 1);
  await page.evaluate(`document.querySelector('#sleeping').click()`);
  t.regex(await shown(1), /frozen/, 'what is frozen has its memory and its processes');
  if (process.env.DASHBOARD_PICTURE !== undefined) {
    writeFileSync(`${process.env.DASHBOARD_PICTURE}.narrow.png`, await page.screenshot());
  }
  await page.resize(1280, 900);
  t.deepEqual(await page.evaluate(sideways), []);
  if (process.env.DASHBOARD_PICTURE !== undefined) {
    writeFileSync(`${process.env.DASHBOARD_PICTURE}.wide.png`, await page.screenshot());
  }
});
