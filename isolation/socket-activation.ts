/**
 * The `socket-activation` backend: systemd listens for each instance and starts its unit with the first connection, whether a server of ours runs or
 * not. What a run ends with is the run; the socket stays until `sockets.close`.
 */
import { TenementError } from '../src/base/errors.js';
import type { Property, PropertyValues, SystemdManager } from '../systemd/manager.js';
import { type Resolved, resolveSpec, withNetwork } from './contained.js';
import type {
  Adoption,
  Backend,
  Handle,
  Host,
  InstanceName,
  Ref,
  Spec,
  Standing,
  StopOptions,
} from './contract.js';
import { createHandle } from './handle.js';
import { isSameProcess } from './life.js';
import { type PreparedNetwork, releaseNetwork, retakeNetwork } from './network/network.js';
import { RUN_MARKER, readStat } from './proc.js';
import { cgroupOf, identityOf, notKnown, prepareUnit, probeUnits, unitPropertiesOf } from './unit/common.js';
import { environmentFile } from './unit/env-file.js';
import { runTree, unitLife } from './unit/life.js';
import { placeOf, removePlace, replaceEnvironment } from './unit/place.js';
import { fingerprint, type Plan, readPlan, writePlan } from './unit/plan.js';
import { appProperties, doorProperties, socketProperties, socketUnits } from './unit/socket-units.js';
import { invocationOf, isOver } from './unit/state.js';
import { removeUser } from './unit/user.js';

/** `manager` connects when it is first used. */
export function createSocketBackend(host: Host, manager: SystemdManager): Backend {
  const standing = new StandingSockets(host, manager);
  return {
    id: 'socket-activation',
    probe: () => probeUnits('socket-activation', host),
    spawn: (spec, signal) => standing.spawn(spec, signal),
    adopt: (ref) => standing.adopt(ref),
    sockets: standing,
  };
}

class StandingSockets {
  readonly #host: Host;
  readonly #manager: SystemdManager;

  constructor(host: Host, manager: SystemdManager) {
    this.#host = host;
    this.#manager = manager;
  }

  async known(name: InstanceName): Promise<Standing | undefined> {
    const plan = await this.#plan(name);
    if (plan === undefined || !(await this.#listens(name, plan))) return undefined;
    const { port, ref } = plan;
    return { address: ref.address, ...(port !== undefined && { forwardTo: port }) };
  }

  async open(spec: Spec): Promise<void> {
    await this.#ensure(spec);
  }

  async spawn(spec: Spec, signal: AbortSignal): Promise<Handle> {
    const plan = await this.#ensure(spec);
    signal.throwIfAborted();
    // A connection may have been faster. It is the same app with the same settings: never a second one beside it.
    const running = await this.running(spec);
    if (running !== undefined) return running;
    const { app, door } = unitsOf(spec, plan);
    await this.#awaitStart(app, door ?? app);
    const handle = await this.#grip(spec, plan, false);
    if (handle === undefined) throw new TenementError('start_failed', `${app} ended at once`);
    if (!signal.aborted) return handle;
    await handle.stop({ graceMs: 0 });
    throw signal.reason;
  }

  async adopt(ref: Ref): Promise<Adoption> {
    const name = ref.unit?.name;
    if (ref.bootId !== this.#host.bootId || name === undefined) return { kind: 'gone' };
    const values = await this.#manager.properties(name, 'Service');
    const lives = values !== undefined && !isOver(values) && invocationOf(values) === ref.unit?.invocation;
    // Whatever else runs under that name is another run; `running` finds it.
    if (!lives) return { kind: 'gone' };
    if (Number(values.MainPID) === 0) {
      // The app has ended, and what it left behind ends before the next start.
      await this.#handle(ref, true).stop({ graceMs: 0 });
      return { kind: 'gone' };
    }
    // The invocation is proof enough; whoever changed what was saved gets nothing.
    if (!(await isSameProcess(ref))) return { kind: 'gone' };
    await retakeNetwork(ref, this.#host).catch(() => undefined);
    return { kind: 'adopted', handle: this.#handle(ref, true) };
  }

  async running(name: InstanceName): Promise<Handle | undefined> {
    const plan = await this.#plan(name);
    return plan === undefined ? undefined : this.#grip(name, plan, true);
  }

  watch(name: InstanceName, onStart: () => void): () => void {
    const { app } = socketUnits(name, false);
    let last: string | undefined;
    return this.#manager.watch(app, async ({ kind }) => {
      // To ask for one that is not there has systemd load and remove it, which would be the next news.
      if (kind === 'removed') return;
      const values = await this.#manager.properties(app, 'Service').catch(() => undefined);
      if (values === undefined || isOver(values) || Number(values.MainPID) === 0) return;
      const invocation = invocationOf(values);
      if (invocation === last) return;
      last = invocation;
      onStart();
    });
  }

  async shut(name: InstanceName): Promise<void> {
    for (const forwarded of [true, false]) await this.#manager.stop(socketUnits(name, forwarded).socket);
  }

  async close(name: InstanceName, { graceMs }: StopOptions): Promise<void> {
    const plan = await readPlan(placeOf(socketUnits(name, false).app));
    // First, or a connection would start again what is being stopped.
    await this.shut(name);
    const run = plan === undefined ? undefined : await this.#grip(name, plan, true);
    await run?.stop({ graceMs });
    const { app, door } = socketUnits(name, true);
    const { socket } = socketUnits(name, false);
    const all = [...(door === undefined ? [] : [door]), app, socketUnits(name, true).socket, socket];
    for (const unit of all) await this.#manager.stop(unit);
    for (const unit of all) await this.#manager.forget(unit);
    await removePlace(placeOf(app));
    const { uid, exclusive } = plan?.ref ?? {};
    if (uid !== undefined && exclusive === true) await removeUser({ uid, gid: uid });
    if (plan !== undefined) await releaseNetwork(plan.ref, this.#host).catch(() => undefined);
  }

  /** What was made in an earlier run of the machine exists no more, wherever the file came from. */
  async #plan(name: InstanceName): Promise<Plan | undefined> {
    const plan = await readPlan(placeOf(socketUnits(name, false).app));
    return plan?.ref.bootId === this.#host.bootId ? plan : undefined;
  }

  async #listens(name: InstanceName, plan: Plan): Promise<boolean> {
    const values = await this.#manager.properties(unitsOf(name, plan).socket, 'Socket');
    return values?.ActiveState === 'active';
  }

  /** Has it listened for, as the spec wants it: with what is there, or anew. */
  async #ensure(spec: Spec): Promise<Plan> {
    checkListening(spec);
    const resolved = await resolveSpec(spec, this.#host);
    const { app } = socketUnits(spec, false);
    const place = placeOf(app);
    const units = await this.#units(spec, resolved);
    const print = fingerprint(
      units.flatMap(([, properties]) => properties),
      resolved.env,
      RUN_MARKER,
    );
    const known = await this.#plan(spec);
    if (known?.fingerprint === print && (await this.#listens(spec, known))) {
      const values = await this.#manager.properties(app, 'Service');
      if (!isOver(values)) return known;
      // The next run is of this start. Whoever took the place away meanwhile has closed the socket, too.
      const plan = { ...known, ref: { ...known.ref, run: spec.run } };
      if (await replaceEnvironment(place, environmentFile(resolved.env))) {
        await writePlan(place, plan);
        await retakeNetwork(plan.ref, this.#host).catch(() => undefined);
        return plan;
      }
    }
    await this.close(spec, { graceMs: 0 });
    return await this.#make(spec, resolved, units, print);
  }

  async #make(spec: Spec, resolved: Resolved, units: readonly Unit[], print: string): Promise<Plan> {
    const place = placeOf(socketUnits(spec, false).app);
    let plan: Plan | undefined;
    const make = async (network: Promise<PreparedNetwork>): Promise<void> => {
      await prepareUnit(spec, this.#host, place, resolved);
      const { net, ready } = await network;
      await ready;
      plan = { ref: refOf(spec, this.#host, net), port: spec.forwardTo, fingerprint: print };
      await writePlan(place, plan);
      const [[socket, properties], ...others] = units as [Unit, ...Unit[]];
      await this.#manager.startTransient(socket, properties, others);
    };
    try {
      await withNetwork(spec, this.#host, make);
    } catch (error) {
      await this.close(spec, { graceMs: 0 }).catch(() => undefined);
      throw notKnown(error, this.#host) ?? error;
    }
    if (plan === undefined) throw new TenementError('internal', 'a socket without a plan');
    return plan;
  }

  /** The socket, then what belongs to it. */
  async #units(spec: Spec, resolved: Resolved): Promise<Unit[]> {
    const { forwardTo, network = 'host', idleMs } = spec;
    const path = 'path' in spec.address ? spec.address.path : '';
    const units = socketUnits(spec, forwardTo !== undefined);
    const own = await unitPropertiesOf(spec, this.#host, placeOf(units.app), resolved);
    return [
      [units.socket, socketProperties(spec, path)],
      ...(units.door === undefined || forwardTo === undefined
        ? []
        : ([[units.door, doorProperties(spec, units, network, forwardTo, idleMs)]] as Unit[])),
      [units.app, appProperties(own, forwardTo, identityOf(spec).uid)],
    ];
  }

  /** Resolves when the process of the app is there, not when it listens. */
  async #awaitStart(app: string, unit: string): Promise<void> {
    let stop = () => {};
    const there = new Promise<void>((resolve) => {
      const look = async (): Promise<void> => {
        const values = await this.#manager.properties(app, 'Service').catch(() => undefined);
        if (Number(values?.MainPID ?? 0) > 0) resolve();
      };
      stop = this.#manager.watch(app, ({ kind }) => void (kind === 'removed' || look()));
    });
    try {
      // Its end is told by the handle; what is left to tell is a start that never came to the app.
      await Promise.race([there, this.#manager.start(unit)]);
    } catch (error) {
      const values = await this.#manager.properties(app, 'Service').catch(() => undefined);
      const status = Number(values?.ExecMainStatus ?? 0);
      const unprepared = values?.Result === 'exit-code' && status >= 200 && status <= 245;
      if (values === undefined || Number(values.ExecMainPID) === 0 || unprepared) throw error;
    } finally {
      stop();
    }
  }

  async #grip(name: InstanceName, plan: Plan, adopted: boolean): Promise<Handle | undefined> {
    const { app } = unitsOf(name, plan);
    const values = await this.#manager.properties(app, 'Service');
    if (values === undefined || (adopted && isOver(values))) return undefined;
    const pid = Number(values.MainPID) || (adopted ? 0 : Number(values.ExecMainPID));
    if (pid === 0) return undefined;
    return this.#handle(runOf(plan, app, pid, values, this.#host), adopted);
  }

  #handle(ref: Ref, adopted: boolean): Handle {
    const { name = '', invocation = '' } = ref.unit ?? {};
    const life = unitLife(this.#manager, { unit: name, pid: ref.pid, invocation }, adopted);
    const tree = runTree(this.#manager, name, invocation, ref.cgroup ?? '/nonexistent');
    // Whoever connects past the server would wait for ever for one that is frozen.
    return createHandle(ref, this.#host, life, tree, 'none');
  }
}

type Unit = readonly [name: string, properties: readonly Property[]];

function unitsOf(name: InstanceName, { port }: Plan) {
  return socketUnits(name, port !== undefined);
}

function refOf(spec: Spec, host: Host, net: Ref['net']): Ref {
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

function runOf({ ref, port }: Plan, unit: string, pid: number, values: PropertyValues, host: Host): Ref {
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

/** @throws TenementError `isolation_unavailable` */
function checkListening({ network = 'host', address }: Spec): void {
  const cannot = (what: string, hint: string) => new TenementError('isolation_unavailable', what, { hint });
  if (!('path' in address))
    throw cannot('systemd listens for an instance on a path only', 'This is a fault of the server.');
  if (network === 'egress') {
    const hint = 'Use "host" or "none", or `isolation = "namespace"`.';
    throw cannot('isolation = "socket-activation" has no network "egress"', hint);
  }
}
