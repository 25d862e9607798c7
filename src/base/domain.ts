import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { TenementError } from './errors.js';

/** Underscores as in `settings.admin_host` and in the Host of requests. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * The domain whose subdomains are the instances, in lower case and without a final dot: only so do Host headers match it.
 * @throws TenementError `usage` for what is no host name (RFC 1123, section 2.1), and for an IP address
 */
export function parseDomain(text: string): string {
  const domain = text.toLowerCase().replace(/\.$/, '');
  if (domain.length <= 253 && domain.split('.').every((label) => LABEL.test(label)) && !isAddress(domain)) {
    return domain;
  }
  throw new TenementError('usage', `"${text}" is not a domain`, { hint: hintFor(text.trim()) });
}

/** Also what clients read as one (WHATWG URL, "ends in a number"): 127.1, 0x7f.0.0.1. */
function isAddress(text: string): boolean {
  return isIP(text) !== 0 || /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(text);
}

function hintFor(text: string): string {
  const host = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').replace(/[/?#].*$/, '');
  if (isIP(host) !== 0 || isAddress(host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'))) {
    return 'instances are names below a domain, which an IP address cannot have: give a domain that resolves to it, and say with --host where to listen.';
  }
  if (host !== text) return `without scheme and path: -d ${host === '' ? 'example.com' : host}`;
  if (/:\d+$/.test(host))
    return `the port is an option of its own: -d ${host.replace(/:\d+$/, '')} -p ${host.replace(/^.*:/, '')}`;
  const ascii = domainToASCII(host);
  if (/[^\x00-\x7f]/.test(host) && ascii !== '') return `write it as clients send it: -d ${ascii}`;
  return 'a domain is letters, digits and "-" between dots, such as example.com or localhost.';
}
