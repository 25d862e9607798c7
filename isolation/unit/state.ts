/** Pure: what systemd's properties of a service say of the app. */

import { constants } from 'node:os';
import type { PropertyValues } from '../../systemd/manager.js';
import type { Exit } from '../contract.js';

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));
/** Codes of siginfo_t (sigaction(2)): exited by itself; 2 and 3 are killed and dumped core. */
const CLD_EXITED = 1;

/** Undefined while its main process lives. `values`: undefined when systemd has forgotten the unit; those of its part as a service are enough. */
export function exitOf(values: PropertyValues | undefined, now: number): Exit | undefined {
  if (values === undefined) return { code: null, signal: null, oom: false, at: now, unknown: true };
  if (!isOver(values) && values.MainPID !== 0) return undefined;
  const status = Number(values.ExecMainStatus);
  const exited = values.ExecMainCode === CLD_EXITED;
  const at = Number(BigInt((values.ExecMainExitTimestamp as bigint | undefined) ?? 0n) / 1000n);
  return {
    code: exited ? status : null,
    signal: exited ? null : (SIGNALS.get(status) ?? null),
    oom: values.Result === 'oom-kill',
    at: at > 0 ? at : now,
    unknown: values.ExecMainCode === 0,
  };
}

/** Whether nothing of the unit lives any more. */
export function isOver(values: PropertyValues | undefined): boolean {
  return values === undefined || values.ActiveState === 'inactive' || values.ActiveState === 'failed';
}

/** The run of the unit, as 32 hex digits: never the same twice. */
export function invocationOf(values: PropertyValues): string {
  const id = values.InvocationID;
  return id instanceof Uint8Array ? Buffer.from(id).toString('hex') : '';
}
