import { type ErrorCode, TenementError } from '../../base/errors.js';

/** A TenementError as plain data: structured clone would make it an ordinary Error without its code. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly details: Record<string, unknown>;
  readonly retryAfterSecs: number | undefined;
  /** Text only: a cause may hold what can't be copied to another thread. */
  readonly cause: string | undefined;
}

export function toWire(error: TenementError): WireError {
  const { code, message, hint, retryAfterSecs } = error;
  const cause = error.cause instanceof Error ? error.cause.message : undefined;
  return { code, message, hint, details: plain(error.details), retryAfterSecs, cause };
}

export function fromWire(wire: WireError): TenementError {
  const { code, message, hint, details, retryAfterSecs, cause } = wire;
  return new TenementError(code, message, {
    hint,
    details,
    ...(retryAfterSecs === undefined ? {} : { retryAfterSecs }),
    ...(cause === undefined ? {} : { cause: new Error(cause) }),
  });
}

/** Details are for logs and `--json`, so they are what JSON can hold. */
function plain(details: Record<string, unknown>): Record<string, unknown> {
  try {
    return JSON.parse(JSON.stringify(details)) as Record<string, unknown>;
  } catch {
    return {};
  }
}
