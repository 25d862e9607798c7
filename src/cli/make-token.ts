import type { TokenCreateRequest } from '../api/protocol-admin.js';
import { assertName } from '../base/names.js';
import { saveTokenFile } from '../base/token-file.js';
import { usageError } from './fail.js';
import type { Context } from './output.js';

export interface TokenOptions {
  tenant?: string;
  scope?: string;
  description?: string;
}

/** `ten token-gen` and `ten token create`: makes a token and shows it, this once. */
export async function makeToken({ globals, out }: Context, options: TokenOptions): Promise<void> {
  const request = requestOf(options);
  const { tokenSource } = await import('./token-source.js');
  const source = await tokenSource(globals);
  const created = await source.create(request);
  // Saved before it is shown: when the disk is full nobody shall believe that later commands will find it.
  const saved =
    created.scope === 'admin' && source.dataDir !== undefined
      ? saveTokenFile(source.dataDir, created.token)
      : undefined;
  if (source.remark !== undefined) out.note(source.remark);
  if (out.json) return out.printJson({ ...created, saved_to: saved ?? null });
  out.print(`${title(created.scope, created.tenant)} ${created.prefix}. It is shown this once:\n`);
  out.print(`  ${created.token}\n`);
  if (saved !== undefined)
    out.print(`Saved to ${saved}. Earlier tokens stay valid; \`ten token revoke\` ends one.`);
}

function title(scope: string, tenant: string | null): string {
  if (scope === 'tenant') return `Token for tenant ${tenant},`;
  return scope === 'create' ? 'Token that may create instances,' : 'Admin token';
}

function requestOf({ tenant, scope, description }: TokenOptions): TokenCreateRequest {
  if (tenant !== undefined) {
    assertName(tenant, 'id');
    if (scope !== undefined && scope !== 'tenant')
      throw usageError(`--tenant does not go with --scope ${scope}`);
  } else if (scope === 'tenant') {
    throw usageError('--scope tenant needs --tenant', 'ten token-gen --tenant alice');
  }
  if ((description ?? '').length > 200) throw usageError('--description takes at most 200 characters');
  return {
    scope: tenant !== undefined ? 'tenant' : scope === 'create' ? 'create' : 'admin',
    ...(tenant === undefined ? {} : { tenant }),
    ...(description === undefined ? {} : { description }),
  };
}
