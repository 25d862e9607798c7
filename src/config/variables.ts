/** Environment variables that only tenement sets in an instance. Pure. */

const RESERVED = /^(?:PORT|SOCKET_PATH|TENEMENT_.*|LISTEN_(?:FDS|PID|FDNAMES)|NOTIFY_SOCKET)$/;

/** Whether users' tables and files must leave a variable alone. TENEMENT_* also covers the server's own token. */
export function isReserved(variable: string): boolean {
  return RESERVED.test(variable);
}
