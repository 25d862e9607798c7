/** A proxy under measurement. */
import type { ChildProcess } from 'node:child_process';
import { cpuSeconds, residentMb } from '../lib/proc-usage.js';

export interface Contestant {
  /** `nginx`, `nginx+log` ... */
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
  /** Processes below it that are not part of the proxy: the apps of tenement. */
  readonly apps: ReadonlySet<number>;
  /** Undefined: it writes no access log. */
  readonly logFile: string | undefined;
}

export const cpuOf = ({ child, apps }: Contestant) => cpuSeconds(child.pid ?? 0, apps);
export const memoryOf = ({ child, apps }: Contestant) => residentMb(child.pid ?? 0, apps);

/** The order of a round: another one goes first each time, so that no proxy always follows the same neighbour's load. */
export function rotated<T>(items: readonly T[], round: number): T[] {
  const by = items.length === 0 ? 0 : round % items.length;
  return [...items.slice(by), ...items.slice(0, by)];
}
