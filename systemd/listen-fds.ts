/** Sockets that systemd has opened for us and handed over (sd_listen_fds(3)). Pure. */

export interface InheritedSocket {
  readonly fd: number;
  /** FileDescriptorName= of the socket unit; `unknown` where there is none, as in sd_listen_fds_with_names(3). */
  readonly name: string;
}

/** The first one passed is this, always. */
const FIRST_FD = 3;
/** Stops a mistyped number from making thousands of sockets out of files that happen to be open. */
const MOST = 256;

/**
 * Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. Empty unless they are meant for the process `pid`: a parent that was itself
 * started with sockets passes its environment on to children that have none. They are to be removed from the environment afterwards.
 */
export function inheritedSockets(env: NodeJS.ProcessEnv, pid: number): InheritedSocket[] {
  if (env.LISTEN_PID !== String(pid)) return [];
  if (!/^[1-9]\d{0,3}$/.test(env.LISTEN_FDS ?? '')) return [];
  const count = Number(env.LISTEN_FDS);
  if (count > MOST) return [];
  const names = (env.LISTEN_FDNAMES ?? '').split(':');
  return Array.from({ length: count }, (_, index) => ({
    fd: FIRST_FD + index,
    name: names[index] || 'unknown',
  }));
}
