/** Pure, but for when its process has begun: an instance that systemd listens for, as data. */
import type { PropertyValues } from '../../systemd/manager.js';
import type { Host, Ref, Spec } from '../contract.js';
import { readStat } from '../proc.js';
import { cgroupOf, identityOf } from './common.js';
import type { Plan } from './plan.js';
import { invocationOf } from './state.js';

/** Of a run that does not exist. */
export function refOf(spec: Spec, host: Host, net: Ref['net']): Ref {
  return {
    version: 1,
    backend: 'socket-activation',
    run: spec.run,
    pid: 1,
    startTime: '',
    bootId: host.bootId,
    address: spec.address,
    cgroup: undefined,
    uid: identityOf(spec).uid,
    exclusive: identityOf(spec).exclusive ?? false,
    // In the machine's network others listen, too.
    ...(spec.forwardTo !== undefined && spec.network === 'none' && { forwardTo: spec.forwardTo }),
    ...(net && { net }),
    startedAt: Date.now(),
  };
}

/** Of the run that is under way, or was the last one. */
export function runOf(
  { ref, port }: Plan,
  unit: string,
  pid: number,
  values: PropertyValues,
  host: Host,
): Ref {
  return {
    ...ref,
    pid,
    startTime: readStat(pid)?.startTime ?? '',
    cgroup: cgroupOf(host, String(values.ControlGroup ?? '')),
    unit: { name: unit, invocation: invocationOf(values) },
    // Attack: who listens on the port of one that sleeps would get what its visitors send until its own app has started.
    ...(port !== undefined && ref.forwardTo === undefined && { forwardToHost: port }),
    startedAt: Date.now(),
  };
}
