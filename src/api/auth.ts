/** Who is calling, and whether a row of the table is open to them. */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.js';
import { TenementError } from '../base/errors.js';
import type { InstanceKey } from '../base/names.js';
import type { TokenScope, Tokens } from '../state/types.js';
import type { BadAttempts } from './attempts.js';
import type { Route } from './routes/route.js';

/** Where a request comes from. */
export interface Peer {
  /** It came over the Unix socket: being able to open that is the permission. */
  readonly trusted: boolean;
  /** IP address of the client, after trusted proxies; empty for the Unix socket. */
  readonly address: string;
}

export interface Identity {
  /** `socket`, `token:PREFIX`, or `anonymous` on public paths. */
  readonly actor: string;
  readonly scope: TokenScope | undefined;
  /** False once the token behind it has been revoked: long streams ask again and again. */
  readonly stillValid: (now: number) => boolean;
}

/** How streams and the audit trail call whoever has a token. */
export const tokenActor = (prefix: string): string => `token:${prefix}`;

/** Longer than any token of ours: what is longer is not worth a hash. */
const MAX_TOKEN = 512;

const anonymous: Identity = { actor: 'anonymous', scope: undefined, stillValid: () => true };
const socket: Identity = { actor: 'socket', scope: { kind: 'admin' }, stillValid: () => true };

/**
 * The identity behind the request's bearer token. A token is honoured over the Unix socket too, so that a person can try
 * what a token may do; without one the socket is an admin.
 * @returns undefined when no token was given and none is implied.
 * @throws TenementError `unauthorized` for a bad token, `too_many_attempts` after too many of them.
 */
export function identify(
  req: IncomingMessage,
  peer: Peer,
  tokens: Tokens,
  attempts: BadAttempts,
  clock: Clock,
): Identity | undefined {
  const header = req.headers.authorization;
  if (header === undefined) return peer.trusted ? socket : undefined;
  const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(header)?.[1];
  const row = token === undefined || token.length > MAX_TOKEN ? undefined : tokens.verify(token, clock.now());
  if (token !== undefined && row !== undefined) {
    return {
      actor: tokenActor(row.prefix),
      scope: row.scope,
      stillValid: (later) => tokens.verify(token, later) !== undefined,
    };
  }
  const wait = peer.trusted ? undefined : attempts.record(peer.address, clock.monotonic());
  if (wait !== undefined) throw new TenementError('too_many_attempts', undefined, { retryAfterSecs: wait });
  throw new TenementError('unauthorized', 'The token is not valid: it is mistyped, or was revoked');
}

/**
 * Decides by the row's scope. What a token may not see is 403 whether it exists or not, so that answers do not tell
 * strangers which instances there are.
 * @throws TenementError `unauthorized` | `forbidden`
 */
export function authorize(
  row: Pick<Route, 'scope'>,
  identity: Identity | undefined,
  key: InstanceKey | undefined,
): Identity {
  if (row.scope === 'public') return identity ?? anonymous;
  if (identity?.scope === undefined) throw new TenementError('unauthorized');
  const { scope } = identity;
  if (scope.kind === 'admin') return identity;
  if (scope.kind === 'create') {
    if (row.scope === 'create') return identity;
    throw new TenementError('forbidden', 'This token may create instances and nothing else');
  }
  if (row.scope !== 'tenant') {
    throw new TenementError(
      'forbidden',
      'A tenant token may look at its own instances and restart them, nothing else',
    );
  }
  if (key !== undefined && key.id !== scope.tenant) {
    throw new TenementError('forbidden', `This token is for instances of "${scope.tenant}" only`);
  }
  return identity;
}

/** Whether an address is one of the machine itself. */
export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(address);
}
