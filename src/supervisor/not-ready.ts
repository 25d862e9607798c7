/** What a person is told who asked for a start that came to nothing, or to an end at once. */
import { TenementError } from '../base/errors.js';
import { formatKey } from '../base/names.js';
import type { ServiceConfig } from '../config/schema.js';
import type { Instance } from './instance.js';

/** How long an app of which nobody can tell when it is ready has for its first fault. */
const FIRST_FAULT_MS = 500;

/** With what comes next, and instead of the general hint the `advice` of whoever knows why nothing like it can start here. */
export function notReady(error: TenementError, { key, state }: Instance, advice?: string): TenementError {
  const { code, message, details, cause, retryAfterSecs } = error;
  const hint = advice ?? error.hint;
  const name = formatKey(key);
  const next =
    state === 'backoff' || state === 'failed'
      ? ` ${name} stays registered${state === 'backoff' ? ', in back-off' : ''}: a request or \`ten start ${name}\` tries again, \`ten rm ${name}\` forgets it.`
      : '';
  return new TenementError(code, message, {
    hint: next === '' ? hint : `${hint.replace(/[^.!?]$/, '$&.')}${next}`,
    details,
    ...(cause !== undefined && { cause }),
    ...(retryAfterSecs !== undefined && { retryAfterSecs }),
  });
}

/**
 * Without `health` an instance is ready when its address takes connections; where somebody else listens for it that says nothing of the app. Whoever
 * waits for it is told when it ends at once.
 * @throws TenementError `start_failed`
 */
export async function refuseStillborn(
  { key, handle, lastProblem }: Instance,
  { health, listen, isolation }: ServiceConfig,
): Promise<void> {
  if (health !== undefined || (listen !== 'fd' && isolation !== 'socket-activation')) return;
  if (handle === undefined) throw new TenementError('start_failed', lastProblem);
  let timer: NodeJS.Timeout | undefined;
  const survived = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), FIRST_FAULT_MS);
  });
  const exit = await Promise.race([handle.exited, survived]).finally(() => clearTimeout(timer));
  if (exit === undefined || exit.code === 0) return;
  const how = exit.signal === null ? `exited with code ${exit.code ?? '?'}` : `was killed by ${exit.signal}`;
  throw new TenementError('start_failed', `${formatKey(key)} ${how} as soon as it was started`, {
    hint: `\`ten logs ${formatKey(key)}\` shows the last lines that it wrote. With \`health\` a start waits until the app answers.`,
  });
}
