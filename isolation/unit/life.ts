/** The life, the tree and the freezer of an instance that is a unit of systemd: all asked of the manager, which outlives us and knows its end. */
import { constants } from 'node:os';
import type { SystemdManager } from '../../systemd/manager.js';
import { groupProcesses } from '../cgroup.js';
import type { Exit } from '../contract.js';
import type { Freezer } from '../freezer.js';
import type { Life } from '../life.js';
import type { Tree } from '../tree.js';
import { placeOf, removePlace } from './place.js';
import { exitOf, invocationOf, isOver, killedForMemory } from './state.js';

const { SIGTERM, SIGKILL } = constants.signals;

/** `invocation`: the run that is meant; another one of the same unit says nothing of how it ended. */
export function unitLife(manager: SystemdManager, unit: string, invocation: string, adopted: boolean): Life {
  let settle: ((exit: Exit) => void) | undefined;
  const exited = new Promise<Exit>((resolve) => {
    settle = resolve;
  });
  let outOfMemory = false;
  const check = async (): Promise<void> => {
    if (settle === undefined) return;
    // While the bus is away nothing can be said; a resync follows when it is back.
    const values = await manager.properties(unit, 'Service').catch(() => 'unknown' as const);
    if (values === 'unknown') return;
    const isOther = values !== undefined && invocationOf(values) !== invocation;
    const told = exitOf(isOther ? undefined : values, Date.now());
    if (told === undefined) return;
    const exit = told.unknown && outOfMemory ? killedForMemory(told) : told;
    settle?.(exit);
    release();
  };
  const unwatch = manager.watch(unit, ({ values }) => {
    // A socket may have started the next run before we can ask.
    outOfMemory ||= values?.Result === 'oom-kill';
    void check();
  });
  const release = (): void => {
    settle = undefined;
    unwatch();
  };
  // It may have ended before anybody watched.
  void check();
  return {
    exited,
    adopted,
    check,
    release,
    terminate: async () => {
      const values = await manager.properties(unit, 'Service');
      if (values !== undefined && invocationOf(values) === invocation)
        await manager.kill(unit, 'main', SIGTERM);
    },
  };
}

/** `cgroup`: the unit's, as an absolute path. */
export function unitTree(manager: SystemdManager, unit: string, cgroup: string): Tree {
  return {
    members: () => groupProcesses(cgroup),
    remember: async () => undefined,
    async kill() {
      // Of a unit that is over nothing lives: systemd waits for its cgroup to be empty.
      if (isOver(await manager.properties(unit, 'Service'))) return false;
      await manager.kill(unit, 'all', SIGKILL);
      return true;
    },
    async cleanUp() {
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
