import { ERRORS, type ErrorCode, type TenementError } from '../base/errors.js';

/** An answer of our own, ready to be sent. */
export interface Page {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

export interface PageRequest {
  readonly code: ErrorCode;
  readonly requestId: string;
  /** The request's Accept header. */
  readonly accept: string | undefined;
  readonly retryAfterSecs?: number | undefined;
}

/** For people, by status; says nothing about the inside. */
const WORDS: Record<number, [title: string, text: string]> = {
  400: ['Bad request', 'The request could not be understood.'],
  404: ['Not found', 'There is nothing under this name.'],
  408: ['Request timeout', 'The request took too long to arrive.'],
  413: ['Too large', 'What was sent is larger than allowed here.'],
  429: ['Too many requests', 'Please wait a moment and try again.'],
  431: ['Headers too large', 'The request has more header fields than allowed here.'],
  502: ['Bad gateway', 'This page could not be reached. Please try again in a moment.'],
  503: ['Not available', 'This page is not available right now. Please try again in a moment.'],
  504: ['Timeout', 'This page took too long to answer. Please try again in a moment.'],
  507: ['Storage full', 'There is no room left to store this.'],
};

/**
 * Renders an error answer in the form that the client accepts. It shows the code and the request id and nothing dynamic else: causes, paths and
 * messages of the inside are for the log.
 */
export function renderPage(request: PageRequest): Page {
  const { code, requestId } = request;
  const { status } = ERRORS[code];
  const [title, text] = WORDS[status] ?? ['Error', 'Something went wrong.'];
  // Told to the operator, who is the only one to meet it: the name of a service without `balance`.
  const hint = code === 'no_balance' ? ERRORS.no_balance.hint : undefined;
  const form = formFor(request.accept ?? '');
  const body = form.render({ status, title, text, code, requestId, hint });
  const headers = [
    'Content-Type',
    form.type,
    'Content-Length',
    String(Buffer.byteLength(body)),
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
    'tenement-error',
    code,
    'X-Request-Id',
    requestId,
  ];
  if (status === 503)
    headers.push('Retry-After', String(Math.max(1, Math.ceil(request.retryAfterSecs ?? 5))));
  return { status, headers, body };
}

/** How a page goes out. */
export interface PageDelivery {
  /** The answer to HEAD has no body. */
  readonly bodiless: boolean;
  /** The connection ends behind it. */
  readonly close: boolean;
  /** The client is HTTP/1.0 and the connection goes on. */
  readonly keepAlive: boolean;
}

/** The page as bytes of a whole HTTP/1.1 answer. */
export function rawPage(page: Page, delivery: PageDelivery): Buffer {
  const lines = [`HTTP/1.1 ${page.status} ${WORDS[page.status]?.[0] ?? 'Error'}`];
  for (let i = 0; i < page.headers.length; i += 2) lines.push(`${page.headers[i]}: ${page.headers[i + 1]}`);
  if (delivery.close) lines.push('Connection: close');
  else if (delivery.keepAlive) lines.push('Connection: keep-alive');
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${delivery.bodiless ? '' : page.body}`);
}

export function pageFor(error: TenementError, requestId: string, accept: string | undefined): Page {
  return renderPage({ code: error.code, requestId, accept, retryAfterSecs: error.retryAfterSecs });
}

interface Content {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  readonly code: string;
  /** May come from a trusted proxy: escaped like everything that is not ours. */
  readonly requestId: string;
  readonly hint: string | undefined;
}

interface Form {
  readonly type: string;
  render(content: Content): string;
}

function formFor(accept: string): Form {
  if (accept.includes('text/html')) return HTML;
  return /\bjson\b/.test(accept) ? JSON_FORM : TEXT;
}

const TEXT: Form = {
  type: 'text/plain; charset=utf-8',
  render: (c) =>
    `${c.status} ${c.title}\n${c.text}\n${c.hint === undefined ? '' : `${c.hint}\n`}\ncode: ${c.code}\nrequest: ${c.requestId}\n`,
};

const JSON_FORM: Form = {
  type: 'application/json',
  render: (c) =>
    `${JSON.stringify({ error: { code: c.code, message: c.text, hint: c.hint, request_id: c.requestId } })}\n`,
};

const HTML: Form = {
  type: 'text/html; charset=utf-8',
  render: (c) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${c.title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:18vh auto 0;padding:0 1rem;color:#222;background:#fafafa}
h1{font-size:1.6rem;margin:0 0 .5rem}small{color:#767676}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}</style></head>
<body><h1>${c.title}</h1><p>${c.text}</p>${c.hint === undefined ? '' : `<p>${escapeHtml(c.hint)}</p>`}
<p><small>${c.status} · ${c.code} · ${escapeHtml(c.requestId)}</small></p></body></html>
`,
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
