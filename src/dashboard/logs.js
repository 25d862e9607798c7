import { ApiError, follow } from './api.js';

/** Lines kept in the page. */
const MAX_LINES = 2000;
const BACKLOG = 200;
const RETRY_MS = 3000;

const $ = (id) => document.getElementById(id);

/** The panel of live logs. `onRefused` is called when the token is no longer good. */
export function createLogPanel(onRefused) {
  const box = $('log');
  let instance = '';
  let paused = false;
  let abort = new AbortController();
  let typing;

  async function run(signal) {
    while (!signal.aborted) {
      $('log-state').textContent = 'connecting ...';
      try {
        await follow(address(), signal, opened, append);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
          onRefused(error);
          return;
        }
      }
      if (signal.aborted) return;
      $('log-state').textContent = 'connection lost, trying again ...';
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  function address() {
    const query = new URLSearchParams({ limit: String(BACKLOG) });
    if (instance !== '') query.set('id', instance);
    if ($('log-search').value !== '') query.set('search', $('log-search').value);
    if ($('log-level').value !== '') query.set('level', $('log-level').value);
    return `/api/logs/stream?${query}`;
  }

  function opened() {
    box.replaceChildren();
    $('log-state').textContent = 'live';
  }

  function append(entry) {
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 30;
    box.append(lineOf(entry));
    while (box.childElementCount > MAX_LINES) box.firstChild.remove();
    if (atEnd) box.scrollTop = box.scrollHeight;
  }

  function restart() {
    abort.abort();
    abort = new AbortController();
    if (!paused) void run(abort.signal);
  }

  function show(id) {
    instance = id;
    $('log-of').textContent = id === '' ? 'all instances' : id;
    $('log-all').hidden = id === '';
    restart();
  }

  $('log-all').onclick = () => show('');
  $('log-clear').onclick = () => box.replaceChildren();
  $('log-level').onchange = restart;
  $('log-search').oninput = () => {
    clearTimeout(typing);
    typing = setTimeout(restart, 300);
  };
  $('log-pause').onclick = () => {
    paused = !paused;
    $('log-pause').setAttribute('aria-pressed', String(paused));
    $('log-pause').textContent = paused ? 'Resume' : 'Pause';
    $('log-state').textContent = paused ? 'paused' : '';
    restart();
  };

  return {
    show,
    stop() {
      abort.abort();
      box.replaceChildren();
    },
  };
}

/** Attack: a line with markup in it. It only ever becomes text. */
function lineOf(entry) {
  const line = document.createElement('div');
  line.className = ['stderr', 'tenement'].includes(entry.level) ? entry.level : 'stdout';
  const time = document.createElement('time');
  time.dateTime = entry.timestamp;
  time.textContent = new Date(entry.timestamp).toLocaleTimeString();
  line.append(time, span('who', `${entry.process}:${entry.instance_id}`), span('text', entry.message));
  return line;
}

function span(className, text) {
  const node = document.createElement('span');
  node.className = className;
  node.textContent = text;
  return node;
}
