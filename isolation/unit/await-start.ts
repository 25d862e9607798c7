/** The start of an app that a unit of its own, or its door, brings along. */
import type { PropertyValues, SystemdManager } from '../../systemd/manager.js';
import { unprepared } from './common.js';

/**
 * Resolves when the process of the app is there, not when it listens.
 * @throws TenementError `start_failed` when systemd could not prepare it; `systemd_failed`
 */
export async function awaitStart(manager: SystemdManager, app: string, unit: string): Promise<void> {
  const look = () => manager.properties(app, 'Service').catch(() => undefined);
  let stop = () => {};
  const there = new Promise<void>((resolve) => {
    stop = manager.watch(app, ({ kind, values }) => {
      if (kind === 'removed') return;
      // What is told may be over by the time at which we could ask.
      if (values !== undefined && hasBegun(values)) return resolve();
      void look().then((now) => {
        if (now !== undefined && Number(now.MainPID ?? 0) > 0 && hasBegun(now)) resolve();
      });
    });
  });
  try {
    // Its end is told by the handle; what is left to tell is a start that never came to the app.
    await Promise.race([there, manager.start(unit)]);
  } catch (error) {
    const failure = await unprepared(manager, app, error);
    if (failure !== undefined) throw failure;
    const values = await look();
    if (values === undefined || Number(values.ExecMainPID) === 0) throw error;
  } finally {
    stop();
  }
}

/** Before that its process is systemd's own, which makes what the app shall see and may fail at it (systemd.service(5), Type=exec). */
function hasBegun({ SubState }: PropertyValues): boolean {
  return SubState === 'start-post' || SubState === 'running';
}
