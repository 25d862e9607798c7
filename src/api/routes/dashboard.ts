import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TenementError } from '../../base/errors.js';
import { packageRoot } from '../../base/package-root.js';
import { type Answer, type Route, route } from './route.js';

/** The only files that are served: a name from the address never becomes a path. */
const FILES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'api.js': 'text/javascript; charset=utf-8',
  'logs.js': 'text/javascript; charset=utf-8',
  'table.js': 'text/javascript; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

/** Attack: a log line or an instance's message that carries script. Even if one slipped through, nothing inline runs. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

export const dashboardRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/',
    scope: 'public',
    summary: 'The dashboard: the page is public, its data needs a token',
    contentType: 'text/html',
    handler: ({ req }) => file('index.html', req.headers['if-none-match']),
  }),
  route({
    method: 'GET',
    path: '/assets/:file',
    scope: 'public',
    summary: 'Parts of the dashboard',
    contentType: 'application/octet-stream',
    handler: ({ params, req }) => file(params.file ?? '', req.headers['if-none-match']),
  }),
];

const cache = new Map<string, { body: Buffer; etag: string }>();

function file(name: string, known: string | undefined): Answer {
  const type = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
  if (type === undefined) {
    throw new TenementError('not_found', 'There is no such file', { hint: 'The dashboard is at /.' });
  }
  const { body, etag } = load(name);
  const headers = {
    etag,
    'cache-control': 'no-cache',
    'content-security-policy': POLICY,
    'x-frame-options': 'DENY',
  };
  if (known === etag) return { kind: 'bytes', status: 304, headers, body: '' };
  return { kind: 'bytes', status: 200, headers: { ...headers, 'content-type': type }, body };
}

/** From src/dashboard, beside package.json: the page has no build step. */
function load(name: string): { body: Buffer; etag: string } {
  const cached = cache.get(name);
  if (cached !== undefined) return cached;
  const body = readFileSync(join(packageRoot, 'src', 'dashboard', name));
  const loaded = { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"` };
  cache.set(name, loaded);
  return loaded;
}
