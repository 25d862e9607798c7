/** The life, the tree and the freezer of an instance that is a unit of systemd: all asked of the manager, which outlives us and knows its end. */
import { constants } from 'node:os';
import type { PropertyValues, SystemdManager } from '../../systemd/manager.js';
import { groupProcesses } from '../cgroup.js';
import type { Exit } from '../contract.js';
import type { Freezer } from '../freezer.js';
import type { Life } from '../life.js';
import { pause } from '../poll.js';
import type { Tree } from '../tree.js';
import { placeOf, removePlace } from './place.js';
import { exitOf, invocationOf, isOver } from './state.js';

const { SIGTERM, SIGKILL } = constants.signals;
/** Longer than most requests take. */
const NEXT_STOP_MS = 500;

/** The run of a unit that is meant: its main process and its invocation. Another run says nothing of how this one ended. */
export interface UnitRun {
  readonly unit: string;
  readonly pid: number;
  readonly invocation: string;
}

/** `hasDoor`: what passes connections on to it is bound to it. */
export function unitLife(
  manager: SystemdManager,
  { unit, pid, invocation, hasDoor = false }: UnitRun & { readonly hasDoor?: boolean },
  adopted: boolean,
): Life {
  let settle: ((exit: Exit) => void) | undefined;
  const exited = new Promise<Exit>((resolve) => {
    settle = resolve;
  });
  let lastTold: Exit | undefined;
  const check = async (): Promise<void> => {
    if (settle === undefined) return;
    // While the bus is away nothing can be said; a resync follows when it is back.
    const values = await manager.properties(unit, 'Service').catch(() => 'unknown' as const);
    if (values === 'unknown') return;
    const isOther = values !== undefined && invocationOf(values) !== invocation;
    const exit = exitOf(isOther ? undefined : values, Date.now());
    if (exit === undefined) return;
    settle?.(exit.unknown ? (lastTold ?? exit) : exit);
    release();
  };
  const unwatch = manager.watch(unit, ({ values }) => {
    // A socket may have started the next run before we can ask: what came along with the news is all that there is of this one.
    if (values?.ExecMainPID === pid) lastTold = exitOf(values, Date.now());
    void check();
  });
  const release = (): void => {
    settle = undefined;
    unwatch();
  };
  // It may have ended before anybody watched.
  void check();
  const isThis = (values: PropertyValues | undefined) =>
    values !== undefined && invocationOf(values) === invocation;
  /**
   * The door first, which systemd does when the app is to stop: a door whose app has ended resets the connections that come until it ends itself.
   * From then on they wait for the next run, and begin it. One that comes while the door stops has systemd give up on our stop, and is served: then
   * we try again, as otherwise it would be reset.
   */
  const stopBehindDoor = async (): Promise<void> => {
    while (settle !== undefined && isThis(await manager.properties(unit, 'Service'))) {
      const isDone = await manager.stop(unit).then(
        () => true,
        () => false,
      );
      if (isDone) return;
      await pause(NEXT_STOP_MS);
    }
  };
  return {
    exited,
    adopted,
    check,
    release,
    terminate: async () => {
      // Not waited for: it ends when the app does, and a KILL must not wait for that.
      if (hasDoor) void stopBehindDoor().catch(() => undefined);
      else if (isThis(await manager.properties(unit, 'Service'))) await manager.kill(unit, 'main', SIGTERM);
    },
  };
}

/** `cgroup`: the unit's, as an absolute path. Whatever else may run under its name by now is not this run. */
export function unitTree(manager: SystemdManager, unit: string, invocation: string, cgroup: string): Tree {
  const run = runTree(manager, unit, invocation, cgroup);
  return {
    ...run,
    async cleanUp() {
      const values = await manager.properties(unit, 'Service');
      // Of a unit that is over nothing lives: systemd waits for its cgroup to be empty.
      if (values !== undefined && !isOver(values) && invocationOf(values) !== invocation) return;
      await manager.stop(unit);
      await manager.forget(unit);
      await removePlace(placeOf(unit));
    },
  };
}

/** Of a unit that stays when its run ends: only what runs is ended, and of that only this run. */
export function runTree(manager: SystemdManager, unit: string, invocation: string, cgroup: string): Tree {
  return {
    members: () => groupProcesses(cgroup),
    remember: async () => undefined,
    async kill() {
      const values = await manager.properties(unit, 'Service');
      if (values === undefined || isOver(values) || invocationOf(values) !== invocation) return false;
      await manager.kill(unit, 'all', SIGKILL);
      return true;
    },
    cleanUp: async () => undefined,
  };
}

/** By systemd itself: it has to know, or its own stop of the unit would wait for processes that cannot answer. */
export function unitFreezer(manager: SystemdManager, unit: string, mayBeFrozen: boolean): Freezer {
  let frozen = mayBeFrozen;
  return {
    async freeze() {
      frozen = true;
      await manager.freeze(unit);
    },
    async thaw() {
      if (!frozen) return;
      await manager.thaw(unit);
      frozen = false;
    },
    async isFrozen() {
      const values = await manager.properties(unit, 'Service');
      return values !== undefined && values.FreezerState !== 'running';
    },
  };
}
