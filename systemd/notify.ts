/**
 * News of this process for the service manager (sd_notify(3)). Node cannot make datagram sockets of the family AF_UNIX. It can write to
 * one that bin/with-notify-socket has connected before it; without that, the program systemd-notify speaks for us, which is part of
 * systemd and takes some milliseconds.
 */
import { fstatSync, write } from 'node:fs';
import { promisify } from 'node:util';
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

/** How to reach systemd; undefined where nobody listens. Takes it out of `env`: no child speaks for the server `pid`. */
export function takeNotify(env: NodeJS.ProcessEnv, pid: number): Send | undefined {
  const { NOTIFY_SOCKET: socket, TENEMENT_NOTIFY_FD: fd } = env;
  delete env.NOTIFY_SOCKET;
  delete env.TENEMENT_NOTIFY_FD;
  if (socket === undefined || socket === '') return undefined;
  return fd !== undefined && isSocket(Number(fd)) ? bySocket(Number(fd)) : byProgram(socket, pid);
}

function isSocket(fd: number): boolean {
  try {
    return fd > 2 && fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

const writeTo = promisify(write);

/** One datagram for each write(2); the kernel says that it is ours. In the thread pool: systemd may be slow to read. */
function bySocket(fd: number): Send {
  return async (lines) => {
    await writeTo(fd, Buffer.from(lines.join('\n')));
  };
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

/** In the name of the process `pid` where CAP_SYS_ADMIN allows that; else the unit needs `NotifyAccess=all`. */
function byProgram(socket: string, pid: number): Send {
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
