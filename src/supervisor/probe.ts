/** Decides when a process may get requests. The answer is undefined when it may, else the reason why not. */
import type { Handle } from '../../isolation/contract.js';
import { TenementError } from '../base/errors.js';
import { describeAnswer } from './health.js';
import { askHealth, connects, type HealthAnswer, type HealthRequest, waitHealthy } from './readiness.js';

/** The ways to ask a process that an instance needs. */
export interface Probes {
  readonly awaitReady: typeof awaitReady;
  readonly awaitReconnect: typeof awaitReconnect;
  readonly askHealth: typeof askApp;
}

/**
 * Waits for the health path (or an accepted connection, without one), at most `startupMs`: from the start of the process, or
 * from its adoption, since one that is busy with an old request must not be killed for the age that it has.
 * Then the owner of the listening socket is checked: a stranger on the port must never get a customer's request.
 */
export async function awaitReady(
  handle: Handle,
  request: HealthRequest,
  startupMs: number,
  signal: AbortSignal,
): Promise<TenementError | undefined> {
  const answer = await untilDeadline(startupMs, signal, (deadline) =>
    waitHealthy(request, deadline, () => listens(handle)),
  );
  if (answer.kind !== 'healthy') {
    return new TenementError(
      'start_timeout',
      `The instance was not ready ${Math.round(startupMs / 1000)} s after its start: ${describeAnswer(answer)}`,
      { retryAfterSecs: 5 },
    );
  }
  return strangerOn(handle);
}

/**
 * After a broken connection: does it still accept any? A dying process refuses connections some moments before its exit is
 * told; the caller's signal aborts then.
 */
export async function awaitReconnect(
  handle: Handle,
  forMs: number,
  signal: AbortSignal,
): Promise<TenementError | undefined> {
  const until = performance.now() + forMs;
  while (!signal.aborted && performance.now() < until) {
    if ((await listens(handle)) && (await connects(handle.address, 1000))) return strangerOn(handle);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return new TenementError('upstream_failed', 'it no longer accepts connections');
}

/**
 * One periodic check. Without a health path, what accepts a connection may be the forwarder alone: whether the app still listens behind it is asked
 * of the kernel. That it takes its connections from there is not known, as it is not of an app that has its port itself.
 */
export async function askApp(request: HealthRequest, handle: Handle): Promise<HealthAnswer> {
  if (request.path === undefined && !(await listens(handle))) return { kind: 'refused' };
  return askHealth(request);
}

export const realProbes: Probes = { awaitReady, awaitReconnect, askHealth: askApp };

/**
 * A signal that aborts with `signal` or after `ms`. Not AbortSignal.any over AbortSignal.timeout: Node 20 holds both weakly, and
 * a garbage collection may take the deadline away while somebody waits for it.
 */
async function untilDeadline<T>(
  ms: number,
  signal: AbortSignal,
  work: (deadline: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const end = () => deadline.abort();
  const timer = setTimeout(end, ms);
  timer.unref();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    return await work(deadline.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

/**
 * Whether the app itself listens, as far as can be told. In a network of its own a forwarder accepts for it from the first moment: a
 * request sent then would meet nobody, and its visitor an error.
 */
async function listens({ address, listener }: Handle): Promise<boolean> {
  return 'port' in address || listener === undefined || (await listener()) !== 'none';
}

async function strangerOn(handle: Handle): Promise<TenementError | undefined> {
  const owner = (await handle.listener?.()) ?? 'own';
  if (owner !== 'stranger') return undefined;
  const { address, ref } = handle;
  const behind = ref.forwardToHost === undefined ? '' : ` (port ${ref.forwardToHost})`;
  const where = 'port' in address ? `port ${address.port}` : `${address.path}${behind}`;
  return new TenementError(
    'port_taken',
    `Another program listens on ${where}, which was given to this instance`,
  );
}
