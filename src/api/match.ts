/** Finds the row of the table for a method and a path. Pure. */
import { TenementError } from '../base/errors.js';
import type { Route } from './routes/route.js';

export type Match =
  | { readonly kind: 'route'; readonly route: Route; readonly params: Record<string, string> }
  | { readonly kind: 'method'; readonly allow: string[] }
  | { readonly kind: 'none' };

/**
 * The path and query of a request target, in origin or absolute form. `..` is not resolved: it matches no row.
 * @throws TenementError `bad_request` for a broken percent-encoding
 */
export function parseTarget(target: string): { segments: string[]; query: URLSearchParams } {
  const origin = target.replace(/^https?:\/\/[^/?#]*/i, '');
  const [path = '', ...query] = origin.split('?');
  try {
    return {
      segments: path.split('/').slice(1).map(decodeURIComponent),
      query: new URLSearchParams(query.join('?')),
    };
  } catch (cause) {
    throw new TenementError('bad_request', 'The percent-encoding of the path is broken', { cause });
  }
}

/** Literal segments win over parameters (`/api/instances/spawn` over `/api/instances/:id`). HEAD is answered as GET. */
export function createMatcher(
  routes: readonly Route[],
): (method: string, segments: readonly string[]) => Match {
  const rows = routes
    .map((route) => ({ route, pattern: route.path.split('/').slice(1) }))
    .sort((a, b) => parameters(a.pattern) - parameters(b.pattern));
  return (method, segments) => {
    const wanted = method === 'HEAD' ? 'GET' : method;
    const allow = new Set<string>();
    for (const { route, pattern } of rows) {
      const params = matchPattern(pattern, segments);
      if (params === undefined) continue;
      if (route.method === wanted) return { kind: 'route', route, params };
      allow.add(route.method);
      if (route.method === 'GET') allow.add('HEAD');
    }
    return allow.size > 0 ? { kind: 'method', allow: [...allow] } : { kind: 'none' };
  };
}

function parameters(pattern: readonly string[]): number {
  return pattern.filter((part) => part.startsWith(':')).length;
}

function matchPattern(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, part] of pattern.entries()) {
    const segment = segments[i] ?? '';
    if (part.startsWith(':')) {
      if (segment === '') return undefined;
      params[part.slice(1)] = segment;
    } else if (part !== segment) return undefined;
  }
  return params;
}
