import { ApiError, call, token } from './api.js';
import { createLogPanel } from './logs.js';
import { renderRows, size, visible } from './table.js';

const REFRESH_MS = 3000;
const $ = (id) => document.getElementById(id);

const logs = createLogPanel(signOut);
let who;
let instances = [];
let refreshing;

async function signIn() {
  try {
    who = await call('GET', '/api/version');
  } catch (error) {
    if (error instanceof ApiError) signOut(error);
    else signOut(new Error('The server does not answer.'));
    return;
  }
  $('version').textContent = who.version;
  $('role').textContent = who.scope === 'tenant' ? `tenant ${who.tenant}` : who.scope;
  show(true);
  await refresh();
  logs.show('');
}

function signOut(error) {
  token.clear();
  clearTimeout(refreshing);
  logs.stop();
  show(false);
  $('sign-in-error').textContent = error instanceof Error ? `${error.message}. ${error.hint ?? ''}` : '';
  $('summary').replaceChildren();
  $('token').value = '';
  $('token').focus();
}

function show(signedIn) {
  $('sign-in').hidden = signedIn;
  for (const id of ['board', 'sign-out', 'role']) $(id).hidden = !signedIn;
  $('connection').textContent = '';
}

async function refresh() {
  clearTimeout(refreshing);
  try {
    // A tenant may list its own instances, but the summary is of the whole server.
    if (who.scope === 'tenant') {
      instances = await call('GET', '/api/instances?all=1');
    } else {
      const telemetry = await call('GET', '/api/telemetry');
      instances = telemetry.instances;
      renderSummary(telemetry.summary);
    }
    renderTable();
    $('connection').textContent = '';
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      signOut(error);
      return;
    }
    $('connection').textContent = 'The server does not answer; what you see is old.';
  }
  // A hidden tab asks nothing; it catches up when it is looked at.
  if (token.get() !== null && !document.hidden) refreshing = setTimeout(refresh, REFRESH_MS);
}

function renderSummary(summary) {
  const tiles = [
    ['awake', summary.awake],
    ['sleeping', summary.sleeping],
    ['healthy', summary.healthy],
    ['in trouble', summary.unhealthy],
    ['open requests', summary.in_flight],
    ['memory', size(summary.memory_bytes)],
  ];
  $('summary').replaceChildren(
    ...tiles.map(([label, value]) => {
      const tile = document.createElement('div');
      const dt = document.createElement('dt');
      const dd = document.createElement('dd');
      dt.textContent = label;
      dd.textContent = String(value);
      if (label === 'in trouble' && value > 0) tile.className = 'bad';
      tile.append(dt, dd);
      return tile;
    }),
  );
}

function renderTable() {
  const found = visible(instances, $('filter').value, $('sleeping').checked);
  const count = renderRows($('rows'), found, actionsOf);
  $('shown').textContent =
    count < found.length
      ? `first ${count} of ${found.length}: narrow the filter`
      : `${count} of ${instances.length}`;
  $('empty').hidden = count > 0;
  $('empty').textContent =
    instances.length === 0
      ? 'No instance is registered yet: ten spawn notes:alice'
      : 'Nothing matches the filter.';
}

function actionsOf(instance) {
  const path = `/api/instances/${encodeURIComponent(instance.id)}`;
  const awake = instance.state !== 'stopped';
  const act = (label, verb, done) => ({
    label,
    run: (button) => perform(button, `${path}/${verb}`, `${instance.id} ${done}`),
  });
  const actions = [{ label: 'Logs', run: () => logs.show(instance.id) }];
  if (instance.want === 'disabled') return actions;
  if (awake || who.scope === 'tenant') actions.push(act('Restart', 'restart', 'was restarted'));
  if (who.scope !== 'admin') return actions;
  actions.push(awake ? act('Stop', 'stop', 'sleeps; a request wakes it') : act('Start', 'start', 'is ready'));
  return actions;
}

async function perform(button, path, done) {
  button.disabled = true;
  try {
    await call('POST', path);
    toast(done);
  } catch (error) {
    toast(`${error.message}. ${error.hint ?? ''}`, 'bad');
  } finally {
    button.disabled = false;
    await refresh();
  }
}

function toast(text, className = '') {
  const note = document.createElement('p');
  note.textContent = text;
  note.className = className;
  $('toast').append(note);
  setTimeout(() => note.remove(), 6000);
}

$('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault();
  token.set($('token').value.trim());
  void signIn();
});
$('sign-out').onclick = () => signOut();
$('filter').oninput = renderTable;
$('sleeping').onchange = renderTable;
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && token.get() !== null) void refresh();
});
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  $('filter').focus();
});

if (token.get() === null) show(false);
else void signIn();
