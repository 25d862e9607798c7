import type { IncomingMessage, ServerResponse } from 'node:http';
import { asTenementError, TenementError } from '../base/errors.js';
import { formatKey, parseKey } from '../base/names.js';
import { BadAttempts } from './attempts.js';
import { authorize, type Identity, identify, type Peer } from './auth.js';
import { check, queryObject, readJson } from './body.js';
import type { ApiDeps } from './deps.js';
import { withServices } from './known.js';
import { createMatcher, type Match, parseTarget } from './match.js';
import { send, sendError, setCommonHeaders } from './respond.js';
import type { AuditNote, Context, Route } from './routes/route.js';
import { ROUTES } from './routes.js';
import { Streams } from './streams.js';

export interface Api {
  /** Answers one request for the API or the dashboard. Never throws, never rejects. */
  handle(req: IncomingMessage, res: ServerResponse, peer: Peer): void;
  /** Ends the open streams, so that the server can close. */
  close(): void;
}

const MAX_DETAIL = 500;

/** The HTTP API, to be given to node:http servers: the one behind the Unix socket and the one at the root domain alike. */
export function createApi(given: ApiDeps): Api {
  const deps = { ...given, streams: new Streams() };
  const match = createMatcher(ROUTES);
  const attempts = new BadAttempts();

  async function answer(req: IncomingMessage, res: ServerResponse, peer: Peer): Promise<void> {
    setCommonHeaders(res);
    const { segments, query } = parseTarget(req.url ?? '/');
    const found = match(req.method ?? '', segments);
    const who = () => identify(req, peer, deps.store.tokens, attempts, deps.clock);
    if (found.kind !== 'route') {
      // Strangers are not told which paths exist.
      if (segments[0] === 'api' && who() === undefined) throw new TenementError('unauthorized');
      throw noRoute(found, res);
    }
    const { route, params } = found;
    const open = route.scope === 'public' || route.openTo?.(deps, peer) === true;
    const identity = open ? undefined : who();
    const audit: AuditNote = { action: route.action ?? '', target: params.id ?? '', detail: '' };
    try {
      const caller = open
        ? authorize({ scope: 'public' }, undefined, undefined)
        : authorize(route, identity, undefined);
      const key = params.id === undefined ? undefined : parseKey(params.id);
      if (key !== undefined) {
        audit.target = formatKey(key);
        if (!open) authorize(route, identity, key);
      }
      const context: Context<unknown, unknown> = {
        deps,
        identity: caller,
        tenant: caller.scope?.kind === 'tenant' ? caller.scope.tenant : undefined,
        params,
        key() {
          if (key === undefined) throw new TenementError('internal', `${route.path} has no instance in it`);
          return key;
        },
        query: route.query === undefined ? undefined : check(route.query, queryObject(query)),
        body: route.body === undefined ? undefined : check(route.body, await readJson(req)),
        audit,
        req,
        res,
      };
      const result = await route.handler(context);
      record(route, identity, audit, 'ok');
      send(res, result);
    } catch (cause) {
      const error = asTenementError(cause);
      audit.detail = [audit.detail, `${error.code}: ${error.message}`].filter(Boolean).join('; ');
      record(route, identity, audit, 'failed');
      throw identity?.scope?.kind === 'admin' ? withServices(error, audit.target, deps.control) : error;
    }
  }

  /** Strangers leave no trace here: a flood of bad requests would fill the disk. */
  function record(
    route: Route,
    identity: Identity | undefined,
    note: AuditNote,
    outcome: 'ok' | 'failed',
  ): void {
    if (route.action === undefined || identity === undefined) return;
    const row = {
      at: deps.clock.now(),
      actor: identity.actor,
      action: note.action,
      target: note.target.slice(0, 200),
      outcome,
      detail: note.detail.slice(0, MAX_DETAIL),
    };
    try {
      deps.store.audit.add(row);
    } catch (error) {
      // What was done is done; a full disk must not make it look undone.
      deps.log.error({ err: error, row }, 'the audit trail cannot be written');
    }
  }

  return {
    handle(req, res, peer) {
      // A reader that left while we were writing is no news.
      res.on('error', (error) =>
        deps.log.debug({ err: error }, 'the client left before its answer was written'),
      );
      answer(req, res, peer).catch((cause: unknown) => {
        const error = asTenementError(cause);
        if (error.code === 'internal' || error.code === 'state_unusable') {
          deps.log.error(
            // The name is pino's: an error under another one is logged without message, stack and cause.
            { err: error, method: req.method, path: req.url?.split('?')[0] },
            'an API call failed inside',
          );
        }
        sendError(req, res, error);
      });
    },
    close: () => deps.streams.endAll(),
  };
}

function noRoute(found: Exclude<Match, { kind: 'route' }>, res: ServerResponse): TenementError {
  if (found.kind === 'none') {
    return new TenementError('not_found', 'There is nothing at this address', {
      hint: 'See docs/api.md for the addresses of the API.',
    });
  }
  res.setHeader('allow', found.allow.join(', '));
  return new TenementError('method_not_allowed', undefined, { details: { allow: found.allow } });
}
