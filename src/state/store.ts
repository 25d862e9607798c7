import { createAudit } from './audit.js';
import { openDatabase } from './database.js';
import { createRegistry } from './registry.js';
import { createTokens } from './tokens.js';
import type { Store } from './types.js';

/**
 * Opens the state in `{dataDir}/.tenement/state.db`. All calls are synchronous and short; several processes may have it open
 * (`ten token-gen` beside the server). `readonly` creates and changes nothing.
 * @throws TenementError state_unusable
 */
export function openStore(dataDir: string, options: { readonly?: boolean } = {}): Store {
  const db = openDatabase(dataDir, { readonly: options.readonly ?? false });
  return {
    registry: createRegistry(db),
    tokens: createTokens(db),
    audit: createAudit(db),
    close: () => void db.close(),
  };
}
