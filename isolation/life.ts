/** The life of a main process: our child, whose end the OS reports to us, or an adopted one, which has to be watched. */
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Exit, KnownProcess, Ref } from './contract.js';
import { startTimeByPs } from './group.js';
import { isAlive, readStat } from './proc.js';

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

export interface Life {
  /** Settles once; never rejects. `oom` is false here. */
  readonly exited: Promise<Exit>;
  /** Started by an earlier server. */
  readonly adopted: boolean;
  /** SIGTERM to the main process, if it lives. */
  terminate(): Promise<void>;
  /** Looks at once whether it has ended. */
  check(): Promise<void>;
  /** No timer and no listener remains, and nothing that keeps our process alive. */
  release(): void;
}

/** Whether the process of `ref` lives: same pid, same start. The caller has compared the boot. */
export async function isSameProcess(ref: KnownProcess): Promise<boolean> {
  if (process.platform !== 'linux') return (await startTimeByPs(ref.pid)) === ref.startTime;
  const stat = readStat(ref.pid);
  return isAlive(stat) && stat.startTime === ref.startTime;
}

/**
 * `main`: the app, when the child is a wrapper around it. The wrapper then ends like the app, except that a deadly signal N arrives as the exit
 * code 128 + N, as from a shell.
 */
export function childLife(child: ChildProcess, main?: KnownProcess): Life {
  let onExit: ((code: number | null, signal: string | null) => void) | undefined;
  const exited = new Promise<Exit>((resolve) => {
    onExit = (code, signal) => {
      const killedBy = main === undefined || code === null ? undefined : SIGNALS.get(code - 128);
      const how = killedBy === undefined ? { code, signal } : { code: null, signal: killedBy };
      resolve({ ...how, oom: false, at: Date.now(), unknown: false });
    };
    // A short-lived app may have ended while it was awaited that it begins: then the event has been.
    if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
    else child.once('exit', onExit);
  });
  return {
    exited,
    adopted: false,
    async terminate() {
      // Node signals only while it has not reaped the child: the pid cannot be another's.
      if (main === undefined) child.kill('SIGTERM');
      else await terminate(main);
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
    adopted: true,
    check,
    release,
    terminate: () => terminate(ref),
  };
}

async function terminate(main: KnownProcess): Promise<void> {
  if (!(await isSameProcess(main))) return;
  try {
    process.kill(main.pid, 'SIGTERM');
  } catch {
    // It has ended meanwhile.
  }
}
