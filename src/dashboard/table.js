/** The table of instances. Everything that comes from the server becomes text, never markup. */

/** More rows help nobody and make the page slow; the filter finds the rest. */
const MAX_ROWS = 300;
/** Of the values, for narrow screens, where the table has no head. */
const NAMES = ['up', 'idle', 'memory', 'open', 'weight', 'restarts'];

/** The word for people, and its colour class. */
export function describe(instance) {
  if (instance.want === 'disabled') return ['disabled', 'off'];
  if (instance.state === 'stopped')
    return instance.want === 'down' ? ['held', 'off'] : ['sleeping', 'asleep'];
  if (instance.state === 'frozen') return ['frozen', 'frozen'];
  if (instance.state === 'failed') return ['failed', 'bad'];
  if (instance.state === 'backoff') return ['waiting to restart', 'bad'];
  if (instance.state !== 'ready') return [instance.state, 'wait'];
  if (instance.health === 'healthy') return ['healthy', 'good'];
  return [instance.health, instance.health === 'unhealthy' ? 'bad' : 'wait'];
}

export function visible(instances, filter, withSleeping) {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return instances.filter((instance) => {
    const [word, colour] = describe(instance);
    if (!withSleeping && (colour === 'asleep' || colour === 'off')) return false;
    const text = `${instance.id} ${word} ${instance.state} ${instance.health} ${instance.backend}`;
    return words.every((wanted) => text.includes(wanted));
  });
}

/**
 * Brings the rows of `body` up to date in place, so that the focus stays where it is.
 * `actions(instance)` gives the buttons: [{ label, run }].
 */
export function renderRows(body, instances, actions) {
  const old = new Map([...body.rows].map((row) => [row.dataset.id, row]));
  const wanted = instances.slice(0, MAX_ROWS);
  wanted.forEach((instance, index) => {
    const row = old.get(instance.id) ?? createRow(instance.id);
    old.delete(instance.id);
    fill(row, instance, actions(instance));
    if (body.rows[index] !== row) body.insertBefore(row, body.rows[index] ?? null);
  });
  for (const row of old.values()) row.remove();
  return wanted.length;
}

function createRow(id) {
  const row = document.createElement('tr');
  row.dataset.id = id;
  const name = document.createElement('th');
  name.scope = 'row';
  name.textContent = id;
  row.append(name);
  for (let i = 0; i < 8; i += 1) row.append(document.createElement('td'));
  const problem = document.createElement('small');
  problem.className = 'problem';
  row.cells[1].append(document.createElement('span'), problem);
  for (let i = 2; i < 8; i += 1) row.cells[i].className = 'number';
  NAMES.forEach((name, i) => {
    row.cells[i + 2].dataset.name = name;
  });
  return row;
}

function fill(row, instance, actions) {
  const [word, colour] = describe(instance);
  const state = row.cells[1].firstChild;
  state.className = `state ${colour}`;
  setText(state, word);
  state.title =
    colour === 'frozen' ? 'Its processes are held where they are; the next request lets them go on.' : '';
  const problem = row.cells[1].lastChild;
  problem.hidden = !instance.last_problem;
  setText(problem, instance.last_problem ?? '');
  row.cells[0].title = [instance.address, instance.backend, instance.pid && `pid ${instance.pid}`]
    .filter(Boolean)
    .join(' · ');
  const values = [
    duration(instance.uptime_secs),
    duration(instance.idle_secs),
    size(instance.memory_bytes),
    String(instance.in_flight),
    String(instance.weight),
    String(instance.restarts),
  ];
  for (const [i, value] of values.entries()) setText(row.cells[i + 2], value);
  fillActions(row.cells[8], instance, actions);
}

function fillActions(cell, instance, actions) {
  const labels = actions.map(({ label }) => label).join();
  if (cell.dataset.labels !== labels) {
    cell.dataset.labels = labels;
    cell.replaceChildren(
      ...actions.map(({ label }) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = label;
        button.setAttribute('aria-label', `${label} ${instance.id}`);
        return button;
      }),
    );
  }
  actions.forEach(({ run }, i) => {
    cell.children[i].onclick = (event) => run(event.currentTarget);
  });
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function duration(seconds) {
  if (seconds === null) return '–';
  const s = Math.floor(seconds);
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h ${Math.floor((s % 3600) / 60)}m`;
  return `${Math.floor(s / 86400)}d ${Math.floor((s % 86400) / 3600)}h`;
}

export function size(bytes) {
  if (bytes === null) return '–';
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
