/**
 * News of this process for the service manager (sd_notify(3)). Node has no datagram sockets of the family AF_UNIX, so the program
 * systemd-notify speaks for us; it is part of systemd and takes some milliseconds.
 */
import { execa } from 'execa';

/** Lines such as `READY=1`. Rejects when they could not be delivered. */
export type Send = (lines: readonly string[]) => Promise<void>;

export interface Notifier {
  /** All is up; also the end of `reloading`. */
  ready(): void;
  /** One line that `systemctl status` shows. */
  status(text: string): void;
  reloading(): void;
  stopping(): void;
  /** We are alive: to be called more often than WATCHDOG_USEC. */
  alive(): void;
}

/** A hanging systemd must not gather processes of ours. */
const TIMEOUT_MS = 5000;

/** What systemd wants to hear of us; undefined where nobody listens. Takes it out of `env`: no child speaks for us. */
export function takeNotifySocket(env: NodeJS.ProcessEnv): string | undefined {
  const socket = env.NOTIFY_SOCKET;
  delete env.NOTIFY_SOCKET;
  return socket === undefined || socket === '' ? undefined : socket;
}

/**
 * Microseconds within which `alive` is expected again (sd_watchdog_enabled(3)); undefined when it is not, or when it is meant for
 * another process. Takes it out of `env`.
 */
export function takeWatchdog(env: NodeJS.ProcessEnv, pid: number): number | undefined {
  const { WATCHDOG_USEC: usec, WATCHDOG_PID: meant } = env;
  delete env.WATCHDOG_USEC;
  delete env.WATCHDOG_PID;
  if (meant !== undefined && meant !== String(pid)) return undefined;
  return usec !== undefined && /^[1-9]\d{0,15}$/.test(usec) ? Number(usec) : undefined;
}

/**
 * Sends by systemd-notify in the name of the process `pid`, as root may: then the unit can have `NotifyAccess=main`, and a process of a
 * tenant in the same control group cannot say that the server stops.
 */
export function systemdNotify(socket: string, pid: number): Send {
  return async (lines) => {
    await execa('systemd-notify', [`--pid=${pid}`, ...lines], {
      env: { NOTIFY_SOCKET: socket },
      timeout: TIMEOUT_MS,
      stdio: 'ignore',
    });
  };
}

/** Keeps messages in order, one at a time. `failed` is told of what could not be delivered; nothing here throws. */
export function createNotifier(send: Send, failed: (error: unknown) => void): Notifier {
  let last = Promise.resolve();
  let said: string | undefined;
  const tell = (...lines: string[]) => {
    last = last.then(() => send(lines)).catch(failed);
  };
  return {
    ready: () => tell('READY=1'),
    status(text) {
      const line = text.replaceAll('\n', ' ');
      if (line === said) return;
      said = line;
      tell(`STATUS=${line}`);
    },
    // CLOCK_MONOTONIC, which systemd 253 and newer want to have with it.
    reloading: () => tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => tell('STOPPING=1'),
    alive: () => tell('WATCHDOG=1'),
  };
}

/** Where nobody listens. */
export const silentNotifier: Notifier = {
  ready: () => {},
  status: () => {},
  reloading: () => {},
  stopping: () => {},
  alive: () => {},
};
