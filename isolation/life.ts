/** The life of a main process: our child, whose end the OS reports to us, or an adopted one, which has to be watched. */
import type { ChildProcess } from 'node:child_process';
import type { Exit, Ref } from './contract.js';
import { startTimeByPs } from './group.js';
import { isAlive, readStat } from './proc.js';

export interface Life {
  /** Settles once; never rejects. `oom` is false here. */
  readonly exited: Promise<Exit>;
  /** SIGTERM to the main process, if it lives. */
  terminate(): Promise<void>;
  /** Looks at once whether it has ended. */
  check(): Promise<void>;
  /** No timer and no listener remains, and nothing that keeps our process alive. */
  release(): void;
}

/** Whether the process of `ref` lives: same pid, same start. The caller has compared the boot. */
export async function isSameProcess(ref: Pick<Ref, 'pid' | 'startTime'>): Promise<boolean> {
  if (process.platform !== 'linux') return (await startTimeByPs(ref.pid)) === ref.startTime;
  const stat = readStat(ref.pid);
  return isAlive(stat) && stat.startTime === ref.startTime;
}

export function childLife(child: ChildProcess): Life {
  let onExit: ((code: number | null, signal: string | null) => void) | undefined;
  const exited = new Promise<Exit>((resolve) => {
    onExit = (code, signal) => resolve({ code, signal, oom: false, at: Date.now(), unknown: false });
    // A short-lived app may have ended while it was awaited that it begins: then the event has been.
    if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
    else child.once('exit', onExit);
  });
  return {
    exited,
    async terminate() {
      // Node signals only while it has not reaped the child: the pid cannot be another's.
      child.kill('SIGTERM');
    },
    check: async () => undefined,
    release() {
      if (onExit !== undefined) child.off('exit', onExit);
      child.unref();
    },
  };
}

/** Its exit status goes to another parent, so it is looked for every `intervalMs`. */
export function adoptedLife(ref: Ref, intervalMs: number): Life {
  let settle: ((exit: Exit) => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const exited = new Promise<Exit>((resolve) => {
    settle = resolve;
  });
  const check = async (): Promise<void> => {
    if (settle === undefined || (await isSameProcess(ref))) return;
    settle?.({ code: null, signal: null, oom: false, at: Date.now(), unknown: true });
    release();
  };
  const watch = (): void => {
    timer = setTimeout(() => {
      check().then(() => {
        if (settle !== undefined) watch();
      });
    }, intervalMs);
  };
  const release = (): void => {
    settle = undefined;
    clearTimeout(timer);
  };
  watch();
  return {
    exited,
    check,
    release,
    async terminate() {
      if (!(await isSameProcess(ref))) return;
      try {
        process.kill(ref.pid, 'SIGTERM');
      } catch {
        // It has ended meanwhile.
      }
    },
  };
}
