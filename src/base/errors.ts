import { diskTrouble } from './disk-trouble.js';

/**
 * The one table of everything that can go wrong and be told to a person: code -> message, hint, HTTP status, CLI exit code.
 * `message` and `hint` are defaults; a TenementError usually carries its own, more exact message and may carry its own hint.
 * A test checks that each code is used somewhere, has a hint and stands in docs/errors.md.
 */
export const ERRORS = {
  // --- answers of the proxy (product.md's status table) ---
  bad_request: {
    status: 400,
    exit: 1,
    retryable: false,
    message: 'The request is malformed',
    hint: 'Check the Host header and the request line.',
  },
  headers_too_large: {
    status: 431,
    exit: 1,
    retryable: false,
    message: 'The request line and header fields are larger than 64 KiB',
    hint: 'Send fewer or smaller header fields; often it is cookies that have grown.',
  },
  request_too_slow: {
    status: 408,
    exit: 1,
    retryable: true,
    message: 'The request head did not arrive in time',
    hint: 'Send the whole head within 10 seconds.',
  },
  unknown_host: {
    status: 404,
    exit: 1,
    retryable: false,
    message: 'Nothing is served under this name',
    hint: 'Check the name in the address; `ten ps -a` lists the instances that exist.',
  },
  no_balance: {
    status: 404,
    exit: 1,
    retryable: false,
    message: 'This service does not spread requests over its instances',
    hint: 'Set `balance = true` for the service in tenement.toml, or ask for one instance by its name.',
  },
  start_failed: {
    status: 502,
    exit: 1,
    retryable: true,
    message: 'The instance could not be started',
    hint: '`ten logs` shows the last lines that it wrote.',
  },
  upstream_failed: {
    status: 502,
    exit: 1,
    retryable: true,
    message: 'The app broke off before it answered',
    hint: '`ten logs` shows what the app wrote at that time.',
  },
  disabled: {
    status: 503,
    exit: 1,
    retryable: false,
    message: 'The instance is disabled',
    hint: '`ten enable` lets it run again.',
  },
  held: {
    status: 503,
    exit: 1,
    retryable: false,
    message: 'The instance is held down',
    hint: '`ten start` ends the hold.',
  },
  failed: {
    status: 503,
    exit: 1,
    retryable: true,
    message: 'The instance died too often and is not restarted for now',
    hint: 'See `ten logs`; `ten start` tries again at once.',
  },
  backoff: {
    status: 503,
    exit: 1,
    retryable: true,
    message: 'The instance died and is waiting to be restarted',
    hint: 'Try again after the Retry-After time; see `ten logs`.',
  },
  queue_full: {
    status: 503,
    exit: 1,
    retryable: true,
    message: 'Too many requests wait for this instance',
    hint: 'Try again later.',
  },
  shutting_down: {
    status: 503,
    exit: 1,
    retryable: true,
    message: 'The server is shutting down',
    hint: 'Try again in a moment.',
  },
  no_instance: {
    status: 503,
    exit: 1,
    retryable: true,
    message: 'No instance of this service takes requests',
    hint: 'Start one with `ten spawn`, or give one a weight above 0.',
  },
  stopped: {
    status: 503,
    exit: 1,
    retryable: true,
    message: 'The instance was stopped while the request waited for it',
    hint: 'Send the request again: it wakes the instance.',
  },
  start_timeout: {
    status: 504,
    exit: 1,
    retryable: true,
    message: 'The instance was not ready in time',
    hint: 'Raise `startup_timeout`, or see `ten logs` for what it waits for.',
  },
  response_timeout: {
    status: 504,
    exit: 1,
    retryable: false,
    message: 'The app did not answer in time',
    hint: 'Raise `request_timeout` for the service if such requests are meant to take long.',
  },
  body_too_large: {
    status: 413,
    exit: 1,
    retryable: false,
    message: 'The request body is larger than this service takes',
    hint: 'Raise `max_body` for the service.',
  },
  quota_exceeded: {
    status: 507,
    exit: 1,
    retryable: false,
    message: 'The disk quota of this instance is used up',
    hint: 'Delete data, or raise `storage_quota_mb` for the service.',
  },
  // --- starting and stopping ---
  install_failed: {
    status: 500,
    exit: 1,
    retryable: false,
    message: 'tenement could not be installed or removed',
    hint: '`ten install --dry-run` shows what would be done.',
  },
  not_yet: {
    status: 502,
    exit: 1,
    retryable: false,
    message: 'This version does not have that feature yet',
    hint: 'Remove the key from tenement.toml.',
  },
  isolation_unavailable: {
    status: 502,
    exit: 1,
    retryable: false,
    message: 'This machine cannot give that isolation',
    hint: '`ten doctor` says what is missing.',
  },
  systemd_failed: {
    status: 502,
    exit: 1,
    retryable: true,
    message: 'systemd did not do what it was asked for',
    hint: '`journalctl -b -p warning` shows what it says; `ten doctor` whether it can be reached.',
  },
  systemd_away: {
    status: 503,
    exit: 1,
    retryable: true,
    message: 'systemd cannot be asked for now: the message bus is away',
    hint: 'Look at `systemctl status dbus`. Instances that are units run on meanwhile.',
  },
  path_unreachable: {
    status: 502,
    exit: 1,
    retryable: false,
    message: "The instance's user cannot reach a path that it needs",
    hint: 'Give others the x permission on the directory that is named, or move the app.',
  },
  unproven_process: {
    status: 502,
    exit: 1,
    retryable: false,
    message: 'A process that may belong to this instance still runs and cannot be proven to be its own',
    hint: 'End that process by its pid, then start the instance again.',
  },
  port_taken: {
    status: 502,
    exit: 1,
    retryable: true,
    message: "Another program listens on the instance's port",
    hint: 'Find it with `ss -ltnp`; the next start takes another port.',
  },
  ports_exhausted: {
    status: 502,
    exit: 1,
    retryable: true,
    message: 'No port is free in `port_range`',
    hint: 'Widen `port_range` in [settings], or let idle instances sleep.',
  },
  uids_exhausted: {
    status: 502,
    exit: 1,
    retryable: false,
    message: 'No uid is free in `uid_range`',
    hint: 'Widen `uid_range` in [settings], or purge instances that are gone.',
  },
  old_data: {
    status: 409,
    exit: 1,
    retryable: false,
    message: 'There is data of an earlier instance with this name',
    hint: 'Use `--adopt-data` to take it over, or move it away.',
  },
  // --- config ---
  config_invalid: {
    status: 422,
    exit: 1,
    retryable: false,
    message: 'The configuration is not valid',
    hint: '`ten check` shows every problem; docs/configuration.md lists the keys.',
  },
  config_not_found: {
    status: 500,
    exit: 1,
    retryable: false,
    message: 'No tenement.toml was found',
    hint: '`ten init` writes one; or name it with --config.',
  },
  config_unsafe: {
    status: 500,
    exit: 1,
    retryable: false,
    message: 'The configuration file could be changed by others',
    hint: "Make it yours or root's: `chown`, and `chmod go-w`.",
  },
  data_dir_locked: {
    status: 500,
    exit: 1,
    retryable: false,
    message: 'Another server uses this data directory',
    hint: 'Stop it first, or choose another `data_dir`.',
  },
  state_unusable: {
    status: 500,
    exit: 1,
    retryable: false,
    message: "tenement's own state cannot be used",
    hint: 'Check the owner of `{data_dir}/.tenement` and the space left on the disk.',
  },
  listen_failed: {
    status: 500,
    exit: 1,
    retryable: false,
    message: 'The server cannot listen on its address',
    hint: 'See which program has it with `ss -ltnp`, or choose another with --port.',
  },
  // --- API and CLI ---
  usage: {
    status: 400,
    exit: 2,
    retryable: false,
    message: 'Wrong usage',
    hint: '`ten --help` shows the commands.',
  },
  no_server: {
    status: 503,
    exit: 1,
    retryable: true,
    message: 'No server answers',
    hint: 'Start it with `ten serve`, or name it with --server.',
  },
  unauthorized: {
    status: 401,
    exit: 1,
    retryable: false,
    message: 'A valid token is needed',
    hint: 'Pass one with --token or TENEMENT_TOKEN; `ten token-gen` makes one.',
  },
  forbidden: {
    status: 403,
    exit: 1,
    retryable: false,
    message: 'This token may not do that',
    hint: 'Use an admin token.',
  },
  not_found: {
    status: 404,
    exit: 1,
    retryable: false,
    message: 'There is no such thing',
    hint: '`ten ps -a` lists the instances that exist.',
  },
  method_not_allowed: {
    status: 405,
    exit: 1,
    retryable: false,
    message: 'That path does not take this method',
    hint: 'The Allow header of the answer lists the methods; see docs/api.md.',
  },
  conflict: {
    status: 409,
    exit: 1,
    retryable: false,
    message: 'That does not fit the present state',
    hint: 'Look at `ten ps -a` and try again.',
  },
  invalid: {
    status: 422,
    exit: 2,
    retryable: false,
    message: 'A value is not acceptable',
    hint: 'See docs/api.md for what is accepted.',
  },
  too_many_attempts: {
    status: 429,
    exit: 1,
    retryable: true,
    message: 'Too many bad tokens from this address',
    hint: 'Wait a minute.',
  },
  internal: {
    status: 500,
    exit: 1,
    retryable: false,
    message: 'Something went wrong inside tenement',
    hint: "The server's log has the details; please report it.",
  },
} as const satisfies Record<string, ErrorInfo>;

interface ErrorInfo {
  /** HTTP status, both of the proxy's answer and of the API's. */
  status: number;
  /** Exit code of the CLI: 1 failed, 2 wrong usage. */
  exit: number;
  /** Whether the same request may succeed later without anyone changing anything. */
  retryable: boolean;
  message: string;
  hint: string;
}

export type ErrorCode = keyof typeof ERRORS;

interface ErrorOptions {
  /** Replaces the table's hint: what to try. */
  hint?: string;
  /** Facts for logs and `--json`; never secrets. */
  details?: Record<string, unknown>;
  cause?: unknown;
  /** For 503: seconds until a retry makes sense. */
  retryAfterSecs?: number;
}

/** The only error class that crosses module boundaries on purpose. What is thrown otherwise is a bug or an OS error to be wrapped. */
export class TenementError extends Error {
  override readonly name = 'TenementError';
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Record<string, unknown>;
  readonly retryAfterSecs: number | undefined;

  /** `message` says what happened and because of what; it defaults to the table's. */
  constructor(code: ErrorCode, message?: string, options: ErrorOptions = {}) {
    super(
      message ?? ERRORS[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.hint = options.hint ?? ERRORS[code].hint;
    this.details = options.details ?? {};
    this.retryAfterSecs = options.retryAfterSecs;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
}

/**
 * Returns `error` itself when it is ours; `state_unusable` for what the disk did not let us do; else an `internal` error. Both have it as
 * their cause.
 */
export function asTenementError(error: unknown): TenementError {
  if (error instanceof TenementError) return error;
  const trouble = diskTrouble(errnoOf(error));
  if (trouble !== undefined) {
    return new TenementError('state_unusable', `tenement's own state cannot be used: ${trouble.reason}`, {
      hint: trouble.hint,
      cause: error,
    });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new TenementError('internal', message, { cause: error });
}

/** Of what the server itself lacks: an app can do nothing about it. */
const OURS: ReadonlySet<ErrorCode> = new Set(['state_unusable', 'systemd_away']);

/** Whether an instance could not be started for want of something of ours: itself, or what it was caused by. */
export function isOurTrouble(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof TenementError && OURS.has(at.code)) return true;
  return false;
}

/** Whether systemd could not be asked, and may be again. */
export function isAway(error: unknown): error is TenementError {
  return error instanceof TenementError && error.code === 'systemd_away';
}

/** The `code` of a Node system error (`ENOENT` ...), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}
