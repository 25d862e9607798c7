/** A reload that was asked for by SIGHUP: nobody waits for its answer, so log and audit trail have to tell it. */
import { asTenementError } from './base/errors.js';
import type { Log } from './base/log.js';
import type { Audit } from './state/types.js';
import type { Control } from './supervisor/control.js';
import { inNames, summaryOf } from './supervisor/reload.js';

interface SignalReloadDeps {
  readonly control: Pick<Control, 'reload'>;
  readonly audit: Pick<Audit, 'add'>;
  readonly now: () => number;
  readonly log: Log;
}

/**
 * Returns what SIGHUP calls. One reload at a time: a signal that comes during one asks for another after it, since the file may
 * have changed after it was read.
 */
export function signalReload(deps: SignalReloadDeps): () => Promise<void> {
  let running: Promise<void> | undefined;
  let again = false;
  const run = async () => {
    do {
      again = false;
      await reload(deps);
    } while (again);
    running = undefined;
  };
  return () => {
    if (running === undefined) running = run();
    else again = true;
    return running;
  };
}

async function reload({ control, audit, now, log }: SignalReloadDeps): Promise<void> {
  let row: { outcome: 'ok' | 'failed'; detail: string };
  try {
    const change = await control.reload();
    log.info({ signal: 'SIGHUP', ...inNames(change) }, 'reloaded');
    row = { outcome: 'ok', detail: summaryOf(change) };
  } catch (cause) {
    const error = asTenementError(cause);
    log.error({ err: cause, signal: 'SIGHUP' }, 'reload failed');
    row = { outcome: 'failed', detail: `${error.code}: ${error.message}`.slice(0, 500) };
  }
  try {
    audit.add({ at: now(), actor: 'signal', action: 'reload', target: '', ...row });
  } catch (error) {
    // What was done is done; a full disk must not make it look undone, nor end the server.
    log.error({ err: error, row }, 'the audit trail cannot be written');
  }
}
