/** Messages of the API about tokens and the audit trail. */
import { z } from 'zod';
import { Name } from './protocol.js';

export const TokenCreateRequest = z
  .strictObject({
    scope: z
      .enum(['admin', 'tenant', 'create'])
      .optional()
      .describe('Default: tenant with `tenant`, else admin'),
    tenant: Name.optional().describe('The id whose instances the token may see'),
    description: z.string().max(200).default(''),
  })
  .refine(
    (body) =>
      (body.tenant !== undefined) === ((body.scope ?? (body.tenant ? 'tenant' : 'admin')) === 'tenant'),
    {
      message: 'goes with the scope tenant, and only with it',
      path: ['tenant'],
    },
  );
export type TokenCreateRequest = z.input<typeof TokenCreateRequest>;

export const TokenInfo = z.object({
  prefix: z.string().describe('Public part: names the token in lists and for DELETE'),
  scope: z.enum(['admin', 'tenant', 'create']),
  tenant: z.string().nullable(),
  description: z.string(),
  created_at: z.string(),
  last_used_at: z.string().nullable(),
});
export type TokenInfo = z.infer<typeof TokenInfo>;
export const TokenList = z.array(TokenInfo);
export const TokenCreated = TokenInfo.extend({
  token: z.string().describe('Shown this once; only its hash is stored'),
});
export type TokenCreated = z.infer<typeof TokenCreated>;

export const AuditQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(10_000).default(100),
  target: z.string().max(200).optional().describe('notes:alice, token:PREFIX ...'),
});
export const AuditEntry = z.object({
  timestamp: z.string(),
  actor: z.string().describe('socket, token:PREFIX, cli, signal, supervisor'),
  action: z.string(),
  target: z.string(),
  outcome: z.enum(['ok', 'failed']),
  detail: z.string(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;
export const AuditList = z.array(AuditEntry).describe('Newest first');
