import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import type { z } from 'zod';
import { ERRORS, type ErrorCode, errnoOf, TenementError } from '../base/errors.js';
import type { ErrorBody } from './protocol.js';

/** Where the server is: its control socket, or a base URL. */
export type Endpoint = { readonly socketPath: string } | { readonly url: URL };

export interface CallOptions {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Undefined values are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly signal?: AbortSignal;
  /** Milliseconds of silence after which the server counts as gone; default none: a start may take as long as it likes. */
  readonly timeoutMs?: number;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** An answer larger than this is not one of ours. */
const LARGEST_ANSWER = 256 * 2 ** 20;

/** A client of the HTTP API. Errors of the server come back as the TenementError that it threw there. */
export class Client {
  readonly endpoint: Endpoint;
  readonly #token: string | undefined;
  readonly #untrusted: TenementError | undefined;
  readonly #agent: Agent = new Agent({ keepAlive: false });

  /** `untrusted`: what to tell when the server does not take the token, where more is known of it than the server can say. */
  constructor(endpoint: Endpoint, token?: string, untrusted?: TenementError) {
    this.endpoint = endpoint;
    this.#token = token;
    this.#untrusted = untrusted;
  }

  /** How people call the server: the socket's path or the URL (without a password in it). */
  get name(): string {
    return endpointName(this.endpoint);
  }

  /**
   * Calls the API and returns the answer, fields that only a newer server knows included.
   * @param shape what the answer must be (api/protocol.ts): a wrong URL often reaches something else that answers, and what it
   * says must neither be taken for data nor for the success of a command.
   * @throws TenementError what the server said, or `no_server`
   */
  async request<T>(method: Method, path: string, shape: z.ZodType<T>, options: CallOptions = {}): Promise<T> {
    const response = await this.#send(method, path, 'application/json', options);
    const text = await this.#text(response);
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch (cause) {
      throw this.#stranger('answered', cause);
    }
    const { success, error } = shape.safeParse(answer);
    if (success) return answer as T;
    throw this.#stranger('answered', new Error(`${method} ${path}: ${firstIssue(error)}`));
  }

  /**
   * Calls what answers with nothing but its success (204).
   * @throws TenementError what the server said, or `no_server`
   */
  async command(method: Method, path: string, options: CallOptions = {}): Promise<void> {
    const response = await this.#send(method, path, 'application/json', options);
    await this.#text(response);
    if (response.statusCode !== 204) throw this.#stranger(`answered ${response.statusCode}`);
  }

  /**
   * Starts a call whose answer is a stream; read it with api/stream.ts.
   * @param accept the content type that the stream must have
   * @throws TenementError what the server said, or `no_server`
   */
  async open(
    method: Method,
    path: string,
    accept: string,
    options: CallOptions = {},
  ): Promise<IncomingMessage> {
    const response = await this.#send(method, path, accept, options);
    const type = response.headers['content-type']?.split(';')[0]?.trim();
    if (type === accept) return response;
    response.destroy();
    throw this.#stranger(
      'answered',
      new Error(`${method} ${path} is ${type ?? 'of no type'}, not ${accept}`),
    );
  }

  async #send(method: Method, path: string, accept: string, options: CallOptions): Promise<IncomingMessage> {
    const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
    const { signal, timeoutMs } = options;
    const request = await this.#request({
      ...this.#where(path, options.query),
      method,
      ...(signal === undefined ? {} : { signal }),
      headers: {
        accept,
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
      },
    });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve);
      request.on('error', (error) => reject(signal?.aborted === true ? error : this.#unreachable(error)));
      if (timeoutMs !== undefined) {
        request.setTimeout(timeoutMs, () =>
          request.destroy(new Error(`no answer to ${method} ${path} within ${timeoutMs / 1000} s`)),
        );
      }
      request.end(payload);
    });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw this.#refusal(status, await this.#text(response));
  }

  #where(path: string, query: CallOptions['query']): RequestOptions {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined) search.set(name, String(value));
    }
    const target = search.size === 0 ? path : `${path}?${search}`;
    if ('socketPath' in this.endpoint) {
      return { socketPath: this.endpoint.socketPath, path: target, headers: {} };
    }
    const { url } = this.endpoint;
    return {
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      ...(url.port === '' ? {} : { port: url.port }),
      path: url.pathname.replace(/\/$/, '') + target,
    };
  }

  async #request(options: RequestOptions): Promise<ReturnType<typeof httpRequest>> {
    if (options.protocol !== 'https:') return httpRequest({ ...options, agent: this.#agent });
    // Loads OpenSSL's certificate store: only where it is needed.
    const https = await import('node:https');
    return https.request({ ...options, agent: new https.Agent({ keepAlive: false }) });
  }

  async #text(response: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of response) {
        size += (chunk as Buffer).length;
        if (size > LARGEST_ANSWER) throw new Error('the answer is too large');
        chunks.push(chunk as Buffer);
      }
    } catch (cause) {
      throw this.#unreachable(cause);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  /** The server's own error; an answer in another form comes from something that is not tenement. */
  #refusal(status: number, text: string): TenementError {
    const error = parseErrorBody(text);
    if (error === undefined) return this.#stranger(`answered ${status}`);
    if (error.code === 'unauthorized' && this.#untrusted !== undefined) return this.#untrusted;
    if (isCode(error.code)) return new TenementError(error.code, error.message, { hint: error.hint });
    // A newer server may know more codes than we do.
    return new TenementError('internal', `${error.message} (${error.code})`, { hint: error.hint });
  }

  #stranger(what: string, cause?: unknown): TenementError {
    return new TenementError('no_server', `${this.name} ${what}, but not as a tenement server`, {
      hint: 'Name the server with --server or TENEMENT_SERVER.',
      cause,
    });
  }

  #unreachable(cause: unknown): TenementError {
    const reasons: Record<string, string> = {
      ECONNREFUSED: 'the connection was refused',
      ENOENT: 'there is no such socket',
      EACCES: 'this user may not open it',
      ENOTFOUND: 'its name is unknown',
      EAI_AGAIN: 'its name cannot be looked up now',
      ECONNRESET: 'it broke off the connection',
    };
    const reason = reasons[errnoOf(cause) ?? ''];
    return new TenementError('no_server', `No server answers at ${this.name}${reason ? `: ${reason}` : ''}`, {
      hint: '`ten serve` starts one; --server or TENEMENT_SERVER names another.',
      cause,
    });
  }
}

/** A user and password in the URL stay out of messages. */
export function endpointName(endpoint: Endpoint): string {
  return 'socketPath' in endpoint
    ? endpoint.socketPath
    : endpoint.url.origin + endpoint.url.pathname.replace(/\/$/, '');
}

function parseErrorBody(text: string): ErrorBody['error'] | undefined {
  try {
    const { error } = JSON.parse(text) as Partial<ErrorBody>;
    if (typeof error?.code !== 'string' || typeof error.message !== 'string') return undefined;
    return { code: error.code, message: error.message, hint: String(error.hint ?? '') };
  } catch {
    return undefined;
  }
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return `${issue?.path.map(String).join('.') || 'the answer'}: ${issue?.message}`;
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
