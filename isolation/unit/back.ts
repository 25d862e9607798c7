/** For a server that came up while the message bus was away. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../contract.js';
import { probeSystemd } from './probe.js';

const PAUSE_MS = 1000;

/** What systemd can do, as soon as it can be asked again. Rejects when `signal` aborts. */
export async function systemdBack(host: Host, signal: AbortSignal): Promise<Host['systemd']> {
  for (;;) {
    const found = await probeSystemd(host.root);
    signal.throwIfAborted();
    if (found?.away !== true) return found;
    await delay(PAUSE_MS, undefined, { signal, ref: false });
  }
}

/** From now on its units can be started. The one change to what was probed: backends ask at each start. */
export function takeBack(host: Host, found: Host['systemd']): void {
  Object.assign(host, { systemd: found });
}
