import type { TokenCreated, TokenCreateRequest, TokenInfo } from '../api/protocol-admin.js';

/** Tokens, whether a server keeps them or we open its state ourselves. */
export interface TokenSource {
  create(request: TokenCreateRequest): Promise<TokenCreated>;
  list(): Promise<TokenInfo[]>;
  /** @throws TenementError not_found */
  revoke(prefix: string): Promise<void>;
  /** Where the admin token is saved for later commands; undefined when the server's data is not on this machine. */
  readonly dataDir: string | undefined;
  /** What a person should know about where that is. */
  readonly remark?: string;
}
