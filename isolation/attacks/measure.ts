/** Real instances, one attacking another: what is blocked on this machine is found out, not believed. */
import { readFileSync } from 'node:fs';
import { asTenementError } from '../../src/base/errors.js';
import type { Backend, Handle, Host, Identity, Limits, Spec } from '../contract.js';
import { findProcesses } from '../proc.js';
import { ATTACKS, type AttackId, type Outcome, type Outcomes } from './catalog.js';
import type { Result } from './inside/attempt.js';
import { Scene } from './scene.js';
import type { Way } from './ways.js';

export interface Subject {
  readonly way: Way;
  readonly backend: Backend;
  readonly host: Host;
  /** Needed when `way.ownUser`. */
  readonly newIdentity?: (() => Identity) | undefined;
  /** How long each step may take, in ms; default: enough for a small server that is busy. */
  readonly patienceMs?: number;
  /** How long an answer over the network is waited for before it counts as blocked, in ms. */
  readonly waitMs?: number;
}

/** Node alone has a dozen threads. */
const PIDS = 60;
const GREEDY = { memoryBytes: 96 << 20, cpuQuota: 0.5 } as const satisfies Limits;
/** Of one processor; a loop that is not held back takes one or more. */
const MOST_CORES = 0.8;
const PATIENCE_MS = 30_000;
const WAIT_MS = 1000;
const POLL_MS = 10;

/**
 * Starts a victim and, beside it, attackers, and tells what they reached. Harmless: bombs go off only under a limit, and nothing outside of a fresh
 * directory is written. Takes a second or two; leaves nothing.
 * @throws TenementError when no instance can be started, or the attack does not come to an end
 */
export async function measure({
  way,
  backend,
  host,
  newIdentity,
  patienceMs = PATIENCE_MS,
  waitMs = WAIT_MS,
}: Subject): Promise<Outcomes> {
  const scene = await Scene.make({
    network: way.network,
    newIdentity: way.ownUser ? newIdentity : undefined,
    guarded: way.guarded,
    careless: way.backend !== 'process',
    waitMs,
  });
  const running = new Running(backend, patienceMs);
  try {
    const victim = await running.start(scene.victim());
    await until(
      () => scene.read('bob', 'stdout').includes('listening'),
      victim,
      () => scene.read('bob', 'stderr'),
      patienceMs,
    );
    const greedy = attackByGreed(running, scene, host);
    const [results, greed] = await Promise.all([attack(running, scene, host, victim), greedy]);
    const left = await outlived(scene.outliveMark);
    const alive = await Promise.race([victim.exited.then(() => false), tick().then(() => true)]);
    return complete({
      ...results,
      ...greed,
      ...(alive ? {} : { 'memory-bomb': open('the other instance ended, too') }),
      'outlive-stop': left.length === 0 ? blocked : open(`process ${left.join(', ')}`),
    });
  } finally {
    await running.stop();
    for (const pid of await outlived(scene.outliveMark)) end(pid);
    scene.remove();
  }
}

type Partly = Partial<Record<AttackId, Outcome>>;

const blocked: Outcome = { outcome: 'blocked' };
const open = (detail: string): Outcome => ({ outcome: 'open', detail });
const notTried = (detail: string): Outcome => ({ outcome: 'n/a', detail });

async function attack(running: Running, scene: Scene, host: Host, victim: Handle): Promise<Partly> {
  const limited = canLimit(host, 'pids');
  const attacker = await running.start(scene.attacker(victim.ref.pid, limited ? PIDS : 0));
  const exit = await running.within(attacker.exited, 'the attack');
  // What it has left behind is left after this, or not.
  await attacker.stop({ graceMs: 0 });
  const output = scene.read('alice', 'stdout');
  if (exit.code !== 0 || !output.startsWith('{')) {
    throw new Error(
      `the attack ended early (${exit.signal ?? exit.code}): ${scene.read('alice', 'stderr').slice(0, 2000)}`,
    );
  }
  const results: Partial<Record<AttackId, Result>> = JSON.parse(output);
  return Object.fromEntries(
    Object.entries(results).map(([id, result]) => [
      id,
      result === false ? blocked : typeof result === 'string' ? open(result) : notTried(result.na),
    ]),
  );
}

async function attackByGreed(running: Running, scene: Scene, host: Host): Promise<Partly> {
  const limits: Limits = {
    ...(canLimit(host, 'memory') && { memoryBytes: GREEDY.memoryBytes }),
    ...(canLimit(host, 'cpu') && { cpuQuota: GREEDY.cpuQuota }),
  };
  if (Object.keys(limits).length === 0) return {};
  const { exited } = await running.start(scene.greedy(limits));
  const exit = await running.within(exited, 'the attack on limits');
  const output = scene.read('carol', 'stdout');
  const cores = /"cores":([\d.]+)/.exec(output)?.[1];
  const survived = exit.code === 0 && output.includes('"bytes"');
  return {
    ...(limits.cpuQuota !== undefined && {
      'busy-loop':
        cores === undefined
          ? notTried('it ended before that')
          : Number(cores) > MOST_CORES
            ? open(`${Number(cores).toFixed(1)} processors with a limit of ${limits.cpuQuota}`)
            : blocked,
    }),
    ...(limits.memoryBytes !== undefined && {
      'memory-bomb': survived ? open('twice its limit') : blocked,
    }),
  };
}

const WHY_NOT: Partial<Record<AttackId, string>> = {
  'memory-bomb': 'memory cannot be limited here',
  'busy-loop': 'processor time cannot be limited here',
};

function complete(results: Partly): Outcomes {
  return Object.fromEntries(
    ATTACKS.map(({ id }) => [id, results[id] ?? notTried(WHY_NOT[id] ?? 'it was not tried')]),
  ) as Record<AttackId, Outcome>;
}

function canLimit({ controllers, legacyCgroups }: Host, name: 'memory' | 'cpu' | 'pids'): boolean {
  return controllers.includes(name) || legacyCgroups?.[name] !== undefined;
}

/** The instances of one measurement. */
class Running {
  readonly #backend: Backend;
  readonly #handles: Handle[] = [];

  readonly #patienceMs: number;

  constructor(backend: Backend, patienceMs: number) {
    this.#backend = backend;
    this.#patienceMs = patienceMs;
  }

  async start(spec: Spec): Promise<Handle> {
    const handle = await this.#backend.spawn(spec, AbortSignal.timeout(this.#patienceMs));
    this.#handles.push(handle);
    return handle;
  }

  async within<T>(work: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} did not come to an end`)), this.#patienceMs);
    });
    return await Promise.race([work, late]).finally(() => clearTimeout(timer));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#handles.map((handle) => handle.stop({ graceMs: 0 })));
  }
}

/** Pids of processes with the text in their command line. */
async function outlived(mark: string): Promise<number[]> {
  const found = await findProcesses(({ pid }) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(mark);
    } catch {
      return false;
    }
  });
  return found.map(({ pid }) => pid);
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function until(
  test: () => boolean,
  victim: Handle,
  why: () => string,
  patienceMs: number,
): Promise<void> {
  let ended = false;
  void victim.exited.then(() => {
    ended = true;
  });
  const deadline = performance.now() + patienceMs;
  while (!test()) {
    if (ended || performance.now() > deadline)
      throw asTenementError(new Error(`the victim does not run: ${why().slice(0, 2000)}`));
    await tick(POLL_MS);
  }
}

const tick = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
