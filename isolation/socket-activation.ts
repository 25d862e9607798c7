/**
 * The `socket-activation` backend: systemd listens for each instance and starts its unit with the first connection, whether a server of ours runs or
 * not. What a run ends with is the run; the socket stays until `sockets.close`.
 */
import { TenementError } from '../src/base/errors.js';
import type { Property, SystemdManager } from '../systemd/manager.js';
import { type Resolved, resolveSpec } from './contained.js';
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
import type { PreparedNetwork } from './network/network.js';
import { RUN_MARKER } from './proc.js';
import { awaitStart } from './unit/await-start.js';
import { identityOf, notKnown, prepareUnit, probeUnits, unitPropertiesOf } from './unit/common.js';
import { doorProperties, requireDoor } from './unit/door.js';
import { environmentFile } from './unit/env-file.js';
import { runTree, unitLife } from './unit/life.js';
import { refuseUnheld } from './unit/limited.js';
import {
  isOwn,
  isTaken,
  type Owner,
  ownerMark,
  ownUnits,
  refuseForeign,
  runsAlready,
} from './unit/ownership.js';
import { type Place, placeOf, removePlace, replaceEnvironment } from './unit/place.js';
import { fingerprint, type Plan, readPlan, writePlan } from './unit/plan.js';
import { socketFile } from './unit/socket-file.js';
import { SocketNetworks } from './unit/socket-network.js';
import { refOf, runOf } from './unit/socket-refs.js';
import { appProperties, socketProperties, socketUnits } from './unit/socket-units.js';
import { invocationOf, isOver } from './unit/state.js';
import { removeUser } from './unit/user.js';

/** `manager` connects when it is first used. `owner`: of all units that it makes, and the only ones that it touches. */
export function createSocketBackend(host: Host, manager: SystemdManager, owner: Owner): Backend {
  const standing = new StandingSockets(host, manager, owner);
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
  readonly #owner: Owner;
  readonly #networks: SocketNetworks;

  constructor(host: Host, manager: SystemdManager, owner: Owner) {
    this.#host = host;
    this.#networks = new SocketNetworks(host);
    this.#manager = manager;
    this.#owner = owner;
  }

  async known(name: InstanceName): Promise<Standing | undefined> {
    const plan = await this.#plan(name);
    if (plan === undefined || !(await this.#listens(name, plan))) return undefined;
    const { port, ref } = plan;
    return { address: ref.address, ...(port !== undefined && { forwardTo: port }) };
  }

  async port(name: InstanceName): Promise<number | undefined> {
    return (await this.#plan(name))?.port;
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
    await awaitStart(this.#manager, app, door ?? app);
    const handle = await this.#grip(spec, plan, false);
    if (handle === undefined) throw new TenementError('start_failed', `${app} ended at once`);
    try {
      await refuseUnheld(spec, this.#host, handle.ref.cgroup);
      signal.throwIfAborted();
      return handle;
    } catch (error) {
      await handle.stop({ graceMs: 0 });
      throw error;
    }
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
    await this.#networks.retake(name, ref);
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
    const own = await ownUnits(this.#manager, name, this.#owner);
    for (const unit of own.filter((one) => one.endsWith('.socket'))) await this.#manager.stop(unit);
  }

  async close(name: InstanceName, { graceMs }: StopOptions): Promise<void> {
    const place = this.#place(name);
    const plan = await readPlan(place);
    const own = await ownUnits(this.#manager, name, this.#owner);
    // First, or a connection would start again what is being stopped.
    await this.shut(name);
    const run = plan === undefined ? undefined : await this.#grip(name, plan, true);
    await run?.stop({ graceMs });
    for (const unit of own) await this.#manager.stop(unit);
    for (const unit of own) await this.#manager.forget(unit);
    await removePlace(place);
    const { app } = socketUnits(name, false);
    const ref = plan?.ref ?? this.#networks.of(app);
    if (ref === undefined) return;
    if (ref.uid !== undefined && ref.exclusive === true) await removeUser({ uid: ref.uid, gid: ref.uid });
    await this.#networks.release(app, ref);
  }

  /** Of this server: another one may have an instance of this name, and what is in there is not the same. */
  #place(name: InstanceName): Place {
    return placeOf(`${this.#owner}\0${socketUnits(name, false).app}`);
  }

  /** What was made in an earlier run of the machine exists no more, wherever the file came from. */
  async #plan(name: InstanceName): Promise<Plan | undefined> {
    const plan = await readPlan(this.#place(name));
    return plan?.ref.bootId === this.#host.bootId ? plan : undefined;
  }

  async #listens(name: InstanceName, plan: Plan): Promise<boolean> {
    const values = await this.#manager.properties(unitsOf(name, plan).socket, 'Socket');
    return values?.ActiveState === 'active' && isOwn(values, this.#owner);
  }

  /** Whether who connects to its path comes to systemd: the path may have been deleted, or be somebody else's. */
  async #isReached({ file, ref: { address } }: Plan): Promise<boolean> {
    const found = 'path' in address ? await socketFile(address.path) : undefined;
    return found !== undefined && (file === undefined || file === found);
  }

  /** Has it listened for, as the spec wants it: with what is there, or anew. */
  async #ensure(spec: Spec): Promise<Plan> {
    checkListening(spec);
    const resolved = await resolveSpec(spec, this.#host);
    const { app } = socketUnits(spec, false);
    const place = this.#place(spec);
    const units = await this.#units(spec, resolved);
    const print = fingerprint(
      units.flatMap(([, properties]) => properties),
      resolved.env,
      RUN_MARKER,
    );
    const known = await this.#plan(spec);
    if (
      known?.fingerprint === print &&
      (await this.#listens(spec, known)) &&
      (await this.#isReached(known))
    ) {
      const values = await this.#manager.properties(app, 'Service');
      if (!isOver(values)) return known;
      // The next run is of this start. Whoever took the place away meanwhile has closed the socket, too.
      const plan = { ...known, ref: { ...known.ref, run: spec.run } };
      if (await replaceEnvironment(place, environmentFile(resolved.env))) {
        await writePlan(place, plan);
        await this.#networks.retake(app, plan.ref);
        return plan;
      }
    }
    await refuseForeign(this.#manager, spec, this.#owner);
    await this.close(spec, { graceMs: 0 });
    return await this.#make(spec, resolved, units, print);
  }

  async #make(spec: Spec, resolved: Resolved, units: readonly Unit[], print: string): Promise<Plan> {
    const place = this.#place(spec);
    const { app } = socketUnits(spec, false);
    let plan: Plan | undefined;
    const make = async (network: Promise<PreparedNetwork>): Promise<void> => {
      await prepareUnit(spec, this.#host, place, resolved);
      const { net, ready } = await network;
      await ready;
      plan = { ref: refOf(spec, this.#host, net), port: spec.forwardTo, fingerprint: print };
      await writePlan(place, plan);
      this.#networks.keep(app, plan.ref);
      const [[socket, properties], ...others] = units as [Unit, ...Unit[]];
      await this.#manager.startTransient(socket, properties, others);
      const file = 'path' in spec.address ? await socketFile(spec.address.path) : undefined;
      if (file === undefined) return;
      plan = { ...plan, file };
      await writePlan(place, plan);
    };
    try {
      await this.#networks.prepare(app, spec, make);
    } catch (error) {
      await this.close(spec, { graceMs: 0 }).catch(() => undefined);
      // Of another server, which was faster: nothing of it is ours to tidy up.
      if (isTaken(error)) throw runsAlready(app, { cause: error });
      throw notKnown(error, this.#host) ?? error;
    }
    if (plan === undefined) throw new TenementError('internal', 'a socket without a plan');
    return plan;
  }

  /** The socket, then what belongs to it. */
  async #units(spec: Spec, resolved: Resolved): Promise<Unit[]> {
    const { forwardTo, network = 'host', idleMs } = spec;
    const path = 'path' in spec.address ? spec.address.path : '';
    const { missing = [] } = this.#host.systemd ?? {};
    const units = socketUnits(spec, forwardTo !== undefined);
    if (forwardTo !== undefined) await requireDoor();
    const own = await unitPropertiesOf(spec, this.#host, this.#place(spec), resolved);
    const all: Unit[] = [
      [units.socket, socketProperties(spec, path)],
      ...(units.door === undefined || forwardTo === undefined
        ? []
        : ([[units.door, doorProperties(spec, units, network, forwardTo, { idleMs, missing })]] as Unit[])),
      [units.app, appProperties(own, forwardTo, identityOf(spec).uid)],
    ];
    return all.map(([unit, properties]) => [unit, [...properties, ownerMark(this.#owner)]]);
  }

  async #grip(name: InstanceName, plan: Plan, adopted: boolean): Promise<Handle | undefined> {
    const { app } = unitsOf(name, plan);
    const values = await this.#manager.properties(app, 'Service');
    if (values === undefined || !isOwn(values, this.#owner) || (adopted && isOver(values))) return undefined;
    const pid = Number(values.MainPID) || (adopted ? 0 : Number(values.ExecMainPID));
    if (pid === 0) return undefined;
    return this.#handle(runOf(plan, app, pid, values, this.#host), adopted);
  }

  #handle(ref: Ref, adopted: boolean): Handle {
    const { name = '', invocation = '' } = ref.unit ?? {};
    const hasDoor = ref.forwardTo !== undefined || ref.forwardToHost !== undefined;
    const life = unitLife(this.#manager, { unit: name, pid: ref.pid, invocation, hasDoor }, adopted);
    const tree = runTree(this.#manager, name, invocation, ref.cgroup ?? '/nonexistent');
    // Whoever connects past the server would wait for ever for one that is frozen.
    return createHandle(ref, this.#host, life, tree, 'none');
  }
}

type Unit = readonly [name: string, properties: readonly Property[]];

function unitsOf(name: InstanceName, { port }: Plan) {
  return socketUnits(name, port !== undefined);
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
