import { closeSync, readdirSync, readFileSync } from 'node:fs';

const O_CLOEXEC = 0o2000000;

/**
 * Closes the descriptors above 2 that whoever started us left open by accident, so that no instance inherits them: Node marks only the
 * lowest ones as not inheritable. What Node or a library opened, or the service manager handed over next to fd 2, is marked and stays.
 * To be called once, early, by the server. Linux only; returns what was closed.
 */
export function closeInheritedFds(): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd').map(Number).filter(closeIfInheritable);
}

function closeIfInheritable(fd: number): boolean {
  if (fd <= 2) return false;
  try {
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
    if (flags === undefined || (Number.parseInt(flags, 8) & O_CLOEXEC) !== 0) return false;
    closeSync(fd);
    return true;
  } catch {
    // It was the descriptor that listed the directory, or has been closed meanwhile.
    return false;
  }
}
