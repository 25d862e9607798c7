import type { IncomingMessage } from 'node:http';
import { framingOf, pairs } from './headers.js';

/**
 * Whether the request is treated as a switch of protocols. Not with a body, which node:http no longer delimits then (RFC 9110 7.8 lets
 * a server ignore Upgrade); not HTTP/1.0; not h2c, which Java's client asks for with every request and which no app needs behind a proxy.
 */
export function isRealUpgrade(request: IncomingMessage): boolean {
  if (request.httpVersion !== '1.1' || framingOf(request.rawHeaders) !== 'none') return false;
  const protocols = (request.headers.upgrade ?? '').split(',').map((name) => name.trim().toLowerCase());
  return protocols.some((name) => name !== '' && name !== 'h2c');
}

/** The request's head again, as bytes, without its wish to upgrade. */
export function withoutUpgrade(request: IncomingMessage): Buffer {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (const [name, value] of pairs(request.rawHeaders)) {
    const key = name.toLowerCase();
    if (key === 'upgrade' || key === 'http2-settings') continue;
    if (key !== 'connection') lines.push(`${name}: ${value}`);
    else {
      const options = value.split(',').map((option) => option.trim());
      const kept = options.filter((option) => !/^(upgrade|http2-settings)$/i.test(option));
      if (kept.length > 0) lines.push(`${name}: ${kept.join(', ')}`);
    }
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
