// A visitor counter on node:http alone: counts in memory, saves to its data directory when it is told to stop.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const directory = process.env.DATA_DIR ?? '.';
const file = join(directory, 'visits.json');
mkdirSync(directory, { recursive: true });

let visits = load();

const server = createServer((request, response) => {
  if (request.url === '/health') {
    json(response, 200, { status: 'ok' });
  } else if (request.url === '/') {
    visits += 1;
    json(response, 200, { instance: process.env.TENEMENT_INSTANCE ?? null, visits, pid: process.pid });
  } else if (request.url === '/events') {
    // Server-sent events: an open stream is activity, so the instance stays awake while someone listens.
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(`event: visits\ndata: ${visits}\n\n`);
  } else {
    json(response, 404, { error: 'no such page' });
  }
});

server.listen(Number(process.env.PORT), '127.0.0.1');

process.on('SIGTERM', () => {
  save();
  server.close(() => process.exit(0));
  // tenement has let open requests end before TERM; what is still open now is idle keep-alive.
  server.closeAllConnections();
});

function json(response, status, body) {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

function load() {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).visits;
  } catch (error) {
    if (error.code === 'ENOENT') return 0;
    throw error;
  }
}

function save() {
  // Written beside and renamed, so that a crash never leaves half a file.
  writeFileSync(`${file}.new`, JSON.stringify({ visits }));
  renameSync(`${file}.new`, file);
}
