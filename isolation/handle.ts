/** The handle on one run: a life, a tree and what can be told of them. */
import { wasOomKilled } from './cgroup.js';
import type { Exit, Handle, Host, Ref, StopOptions } from './contract.js';
import { type Freezer, freezerOf } from './freezer.js';
import type { Life } from './life.js';
import { innerListenerOf, listenerOf } from './listener.js';
import { statsOf } from './stats.js';
import { endTree, type Tree } from './tree.js';

/** setTimeout fires at once when it is asked for more. */
const LONGEST_TIMER_MS = 0x7fffffff;

/** `own`: where something else than files of cgroups or signals has to hold the processes; `none`: where nothing can. */
export function createHandle(ref: Ref, host: Host, life: Life, tree: Tree, own?: Freezer | 'none'): Handle {
  const groups = [...(ref.cgroup === undefined ? [] : [ref.cgroup]), ...(ref.legacyCgroups ?? [])];
  const freezer = own === 'none' ? undefined : (own ?? freezerOf(ref, tree, life.adopted));
  const exited = life.exited.then(async (exit): Promise<Exit> => {
    // Never rejects: what could not be found out is left as it was.
    await tree.remember().catch(() => undefined);
    return { ...exit, oom: exit.oom || (await wasOomKilled(groups)) };
  });
  const stop = new Stop({ ...life, exited }, tree, freezer);
  const { address } = ref;
  const hostPort = 'port' in address ? address.port : ref.forwardToHost;
  return {
    ref,
    address,
    exited,
    stop: (options) => stop.ask(options),
    detach: () => life.release(),
    ...(freezer && { freezer }),
    ...(host.platform === 'linux' && {
      stats: () => statsOf(ref),
      ...(ref.forwardTo !== undefined
        ? { listener: () => innerListenerOf(ref.forwardTo ?? 0, ref.pid) }
        : hostPort !== undefined && { listener: () => listenerOf(hostPort, ref, tree) }),
    }),
  };
}

/** One stop, however often it is asked for. A later call may bring the KILL forward, never put it off. */
class Stop {
  readonly #life: Life;
  readonly #tree: Tree;
  readonly #freezer: Freezer | undefined;
  #under: Promise<void> | undefined;
  #killAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #killNow: () => void = () => undefined;
  #kill: Promise<void>;

  constructor(life: Life, tree: Tree, freezer: Freezer | undefined) {
    this.#freezer = freezer;
    this.#life = life;
    this.#tree = tree;
    this.#kill = this.#untilKill();
  }

  ask({ graceMs }: StopOptions): Promise<void> {
    this.#killIn(graceMs);
    this.#under ??= this.#run(graceMs).catch((error: unknown) => {
      // Something may be left: the next call tries again, with a grace of its own.
      this.#under = undefined;
      clearTimeout(this.#timer);
      this.#killAt = Number.POSITIVE_INFINITY;
      this.#kill = this.#untilKill();
      throw error;
    });
    return this.#under;
  }

  #untilKill(): Promise<void> {
    return new Promise((resolve) => {
      this.#killNow = resolve;
    });
  }

  #killIn(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.#killAt) return;
    this.#killAt = at;
    clearTimeout(this.#timer);
    if (ms <= 0) this.#killNow();
    else this.#timer = setTimeout(this.#killNow, Math.min(ms, LONGEST_TIMER_MS));
  }

  async #run(graceMs: number): Promise<void> {
    // A frozen process neither handles TERM nor, with cgroup v1, dies of KILL. Where it fails the KILL may still do.
    await this.#freezer?.thaw().catch(() => undefined);
    if (graceMs > 0) {
      await this.#life.terminate();
      await this.#life.check();
    }
    await Promise.race([this.#life.exited, this.#kill]);
    clearTimeout(this.#timer);
    await endTree(this.#tree);
    await this.#life.check();
    await this.#life.exited;
  }
}
