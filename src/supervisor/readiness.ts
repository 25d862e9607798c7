/** Asks an instance whether it is ready or healthy. Effects only; what the answers mean is decided elsewhere. */
import http from 'node:http';
import net from 'node:net';
import type { Address } from '../../isolation/contract.js';
import { connectReal } from '../base/real-socket.js';

/** What is asked, and as whom: the instance's own public name, so that apps which check Host or force HTTPS answer as they would to a visitor. */
export interface HealthRequest {
  readonly address: Address;
  /** Undefined: no health path, then accepting a connection is all that can be asked. */
  readonly path: string | undefined;
  readonly host: string;
  readonly proto: 'http' | 'https';
  readonly timeoutMs: number;
}

export type HealthAnswer =
  | { readonly kind: 'healthy' }
  /** No connection: nobody listens (yet). */
  | { readonly kind: 'refused' }
  /** Connected, but no whole answer in time. */
  | { readonly kind: 'timeout' }
  /** It answered, but not with 2xx, or broke off; `reason` can be shown. */
  | { readonly kind: 'bad'; readonly reason: string };

/** Whether something accepts connections there. */
export function connects(address: Address, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTo(address);
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

function connectTo(address: Address): net.Socket {
  const socket = new net.Socket();
  const wrong = connectReal(address, (target) => socket.connect(target));
  if (wrong !== undefined) socket.destroy(wrong);
  return socket;
}

/**
 * One health check on a fresh connection (a pooled one would say nothing of the listener). Never rejects. An abort ends it
 * early, as if its time were over.
 */
export async function askHealth(request: HealthRequest, signal?: AbortSignal): Promise<HealthAnswer> {
  if (request.path === undefined) {
    return (await connects(request.address, request.timeoutMs)) ? { kind: 'healthy' } : { kind: 'refused' };
  }
  const { path } = request;
  const socket = connectTo(request.address);
  return new Promise((resolve) => {
    const sent = http.request({
      createConnection: () => socket,
      method: 'GET',
      path,
      headers: {
        host: request.host,
        'x-forwarded-proto': request.proto,
        'user-agent': 'tenement-health',
        connection: 'close',
      },
    });
    const done = (answer: HealthAnswer) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', late);
      resolve(answer);
      sent.destroy();
    };
    const late = () => done({ kind: 'timeout' });
    const timer = setTimeout(late, request.timeoutMs);
    timer.unref();
    sent.once('response', (response) => done(judge(path, response)));
    const failed = (error: NodeJS.ErrnoException): void => {
      const refused = error.code === 'ECONNREFUSED' || error.code === 'ENOENT';
      if (refused) done({ kind: 'refused' });
      // What is no error of the system's says what it is about.
      else if (error.code === undefined) done({ kind: 'bad', reason: error.message });
      else done({ kind: 'bad', reason: `GET ${path} broke off: ${error.code}` });
    };
    sent.on('error', failed);
    // What happens at once happens before the request listens to it.
    socket.on('error', failed);
    sent.end();
    // Also when it came before we listened: no event follows then.
    if (signal?.aborted) late();
    else signal?.addEventListener('abort', late, { once: true });
  });
}

function judge(path: string, response: http.IncomingMessage): HealthAnswer {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return { kind: 'healthy' };
  const location = response.headers.location;
  const where = status >= 300 && status < 400 && location !== undefined ? `, a redirect to ${location}` : '';
  return { kind: 'bad', reason: `GET ${path} answered ${status}${where}` };
}

/**
 * Asks until the answer is `healthy` or the signal aborts. Polls the listener closely at first, when most apps come up, then
 * less often: 2 ms costs 13 % of a core while it lasts. Resolves with the last answer that was not healthy when aborted, for the message.
 * `listens` tells of an app behind a socket that is not its own: that one accepts connections long before the app does.
 */
export async function waitHealthy(
  request: HealthRequest,
  signal: AbortSignal,
  listens: () => Promise<boolean> = async () => true,
): Promise<HealthAnswer> {
  const began = performance.now();
  let last: HealthAnswer = { kind: 'refused' };
  while (!signal.aborted) {
    if ((await listens()) && (await connects(request.address, 1000))) {
      const answer = await askHealth(request, signal);
      if (answer.kind === 'healthy') return answer;
      // What the deadline cut off says less than what was answered before it.
      if (!signal.aborted || last.kind !== 'bad') last = answer;
      await pause(BAD_ANSWER_PAUSE_MS, signal);
    } else {
      last = { kind: 'refused' };
      await pause(performance.now() - began < CLOSE_POLL_MS ? 2 : 5, signal);
    }
  }
  return last;
}

const CLOSE_POLL_MS = 100;
const BAD_ANSWER_PAUSE_MS = 50;

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
