import type { TokenInfo } from '../api/protocol-admin.js';
import { TenementError } from '../base/errors.js';
import { openStore } from '../state/store.js';
import type { Store, TokenRow, TokenScope } from '../state/types.js';
import type { TokenSource } from './tokens.js';

/** The tokens in a data directory whose server does not run. Being able to write there is the permission. */
export function localTokens(dataDir: string): TokenSource {
  return {
    dataDir,
    create: async (request) =>
      withStore(dataDir, (store) => {
        const scope: TokenScope =
          request.tenant !== undefined
            ? { kind: 'tenant', tenant: request.tenant }
            : { kind: request.scope === 'create' ? 'create' : 'admin' };
        const { token, row } = store.tokens.create(scope, request.description ?? '', Date.now());
        audit(
          store,
          'token.create',
          row.prefix,
          scope.kind === 'tenant' ? `tenant ${scope.tenant}` : scope.kind,
        );
        return { ...toInfo(row), token };
      }),
    list: async () => withStore(dataDir, (store) => store.tokens.list().map(toInfo)),
    revoke: async (prefix) =>
      withStore(dataDir, (store) => {
        if (!store.tokens.revoke(prefix)) {
          throw new TenementError('not_found', 'There is no token with that prefix', {
            hint: '`ten token ls` lists the prefixes.',
          });
        }
        audit(store, 'token.revoke', prefix, '');
      }),
  };
}

function withStore<T>(dataDir: string, action: (store: Store) => T): T {
  const store = openStore(dataDir);
  try {
    return action(store);
  } finally {
    store.close();
  }
}

function audit(store: Store, action: string, prefix: string, detail: string): void {
  const by = `by uid ${process.getuid?.() ?? 'unknown'}`;
  store.audit.add({
    at: Date.now(),
    actor: 'cli',
    action,
    target: `token:${prefix}`,
    outcome: 'ok',
    detail: detail === '' ? by : `${detail}, ${by}`,
  });
}

function toInfo(row: TokenRow): TokenInfo {
  return {
    prefix: row.prefix,
    scope: row.scope.kind,
    tenant: row.scope.kind === 'tenant' ? row.scope.tenant : null,
    description: row.description,
    created_at: new Date(row.createdAt).toISOString(),
    last_used_at: row.lastUsedAt === undefined ? null : new Date(row.lastUsedAt).toISOString(),
  };
}
