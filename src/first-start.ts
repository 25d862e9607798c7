import { existsSync } from 'node:fs';
import { saveTokenFile, tokenFile } from './base/token-file.js';
import type { Tokens } from './state/types.js';

/** The first server on a data directory makes an admin token, so that the CLI and scripts work at once. */
export function ensureAdminToken(dataDir: string, tokens: Tokens, now: number): void {
  if (existsSync(tokenFile(dataDir))) return;
  const { token } = tokens.create({ kind: 'admin' }, 'made at the first start', now);
  saveTokenFile(dataDir, token);
}
