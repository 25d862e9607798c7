// Notes behind a bearer token, in Node without any package.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const MAX_NOTE = 64 * 1024;
const directory = process.env.DATA_DIR;
const file = join(directory, 'notes.json');
mkdirSync(directory, { recursive: true });
const state = load();

const server = createServer(async (request, response) => {
  try {
    await handle(request, response);
  } catch (error) {
    console.error(error);
    if (!response.headersSent) json(response, 500, { error: 'internal error' });
    else response.destroy();
  }
});

server.listen(Number(process.env.PORT), '127.0.0.1');

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});

async function handle(request, response) {
  const { method, url } = request;
  if (method === 'GET' && url === '/health') {
    json(response, 200, {
      status: 'ok',
      tenant: process.env.TENEMENT_INSTANCE ?? 'nobody',
      runtime: 'node',
    });
  } else if (method === 'GET' && url === '/token') {
    // A real app would never give it away; here it lets the test script play both customers.
    json(response, 200, { token: state.token });
  } else if (url === '/notes' && (method === 'GET' || method === 'POST')) {
    const refused = check(request.headers.authorization);
    if (refused !== undefined) return json(response, refused, { error: 'a valid bearer token is needed' });
    if (method === 'POST') {
      const text = await noteFrom(request);
      if (text === undefined)
        return json(response, 400, { error: 'the body must be JSON like {"text": "buy milk"}' });
      state.notes.push({ text });
      save();
    }
    json(response, 200, { notes: state.notes });
  } else {
    json(response, 404, { error: 'no such page' });
  }
}

/** The status to refuse with, or undefined when the token is right. */
function check(authorization = '') {
  if (!authorization.startsWith('Bearer ')) return 401;
  const digest = (text) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(authorization.slice('Bearer '.length)), digest(state.token))
    ? undefined
    : 403;
}

async function noteFrom(request) {
  let body = '';
  request.setEncoding('utf8');
  for await (const part of request) {
    body += part;
    if (body.length > MAX_NOTE) return undefined;
  }
  try {
    const { text } = JSON.parse(body);
    return typeof text === 'string' && text !== '' ? text : undefined;
  } catch {
    return undefined;
  }
}

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
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    const fresh = { token: randomBytes(32).toString('hex'), notes: [] };
    writeFileSync(file, JSON.stringify(fresh), { mode: 0o600 });
    return fresh;
  }
}

function save() {
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
