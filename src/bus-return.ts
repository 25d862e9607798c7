/**
 * A server that came up while the message bus was away serves what does not need it. When the bus is back, what runs as units is taken over, and what
 * was to run or to be listened for is made up for.
 */
import { type Backends, type Host, systemdBack, takeBack } from '../isolation/index.js';
import type { Log } from './base/log.js';
import type { Activation } from './supervisor/activation.js';
import { adoptReturned, startAll, stopOrphans, wantedAtBoot } from './supervisor/boot.js';
import { renewOutdated } from './supervisor/outdated.js';
import type { Supervisor } from './supervisor/supervisor.js';

interface BusReturnDeps {
  readonly host: Host;
  readonly backends: Backends;
  readonly supervisor: Supervisor;
  readonly activation: Pick<Activation, 'takeOver' | 'leave' | 'restore'>;
  readonly log: Log;
}

/** Never rejects. Nothing is done where the bus was there, or when `signal` aborts first. */
export async function whenBusIsBack(deps: BusReturnDeps, signal: AbortSignal): Promise<void> {
  const { host, backends, supervisor, activation, log } = deps;
  if (host.systemd?.away !== true || !host.root) return;
  log.warn(
    `${host.systemd.reason}: instances that are units run on, and are served when it is back; see \`systemctl status dbus\``,
  );
  try {
    const found = await systemdBack(host, signal);
    log.info('the message bus is back');
    // First: a start would end what runs and put another in its place.
    await adoptReturned(supervisor, backends);
    await activation.takeOver();
    takeBack(host, found);
    await activation.leave();
    signal.throwIfAborted();
    await Promise.all([
      stopOrphans(supervisor),
      startAll(supervisor, wantedAtBoot(supervisor)),
      activation.restore(),
      renewOutdated(supervisor),
    ]);
  } catch (error) {
    if (!signal.aborted) log.error({ err: error }, 'what runs as units could not be taken over');
  }
}
