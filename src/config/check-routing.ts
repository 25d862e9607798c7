import { nearest } from '../base/nearest.js';
import type { Problem } from './problem.js';
import type { Config } from './schema.js';

/** Paths of the bare domain that tenement answers itself, unless `admin_host` moves its pages elsewhere. */
export const OWN_PATHS = ['/health', '/metrics', '/assets', '/api'];

/** With the one that may be meant. */
export function noService(name: string, path: Problem['path'], service: Config['service']): Problem {
  const suggestion = nearest(name, Object.keys(service));
  const message = `there is no service "${name}"`;
  return suggestion === undefined ? { path, message } : { path, message, suggestion };
}

/** Targets that don't exist, and entries that could never match. Pure. */
export function checkRouting({ routing, service, settings }: Config): Problem[] {
  const problems: Problem[] = [];
  const exists = (name: string | undefined, path: Problem['path']) => {
    if (name === undefined || Object.hasOwn(service, name)) return;
    problems.push(noService(name, path, service));
  };
  exists(routing.default, ['routing', 'default']);
  exists(routing.tenants, ['routing', 'tenants']);
  for (const [label, target] of Object.entries(routing.subdomain)) {
    const path = ['routing', 'subdomain', label];
    exists(target, path);
    if (label !== target && Object.hasOwn(service, label)) {
      problems.push({ path, message: `would never match: the service "${label}" has this name already` });
    }
  }
  const seen = new Set<string>();
  for (const [prefix, target] of Object.entries(routing.path)) {
    const path = ['routing', 'path', prefix];
    exists(target, path);
    const plain = prefix.replace(/\/$/, '');
    if (seen.has(plain)) problems.push({ path, message: 'is listed twice, with and without the final "/"' });
    seen.add(plain);
    const own = OWN_PATHS.find((ours) => plain === ours || plain.startsWith(`${ours}/`));
    if (own !== undefined && settings.admin_host === undefined) {
      problems.push({
        path,
        message: `${own} is tenement's own at this domain; set \`settings.admin_host\` to move it to another name`,
      });
    }
  }
  return problems;
}
