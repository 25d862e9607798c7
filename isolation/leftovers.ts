/** What still lives of a run whose main process has ended, or of which no ref was saved. Only what is proven to be of that run counts. */
import { groupProcesses, isPopulated, killGroup, removeGroup } from './cgroup.js';
import type { Host, Ref, Trace } from './contract.js';
import { freezerOf } from './freezer.js';
import { markedByPs } from './group.js';
import { type Known, killKnown, markedProcesses, membersOfRun } from './members.js';
import { Pauses } from './poll.js';
import { endTree, type Tree, treeOf } from './tree.js';

/** How long leftovers may take to end: longer only if one cannot be killed. */
const PATIENCE_MS = 5_000;

/** Pids of live processes of that run: in its cgroup, or with its marker in their environment. Nothing is done to them. */
export async function findRun(trace: Trace, host: Host): Promise<number[]> {
  const inGroup = trace.cgroup === undefined ? [] : await groupProcesses(trace.cgroup);
  const marked = host.platform === 'linux' ? await markedProcesses(trace.run) : await markedByPs(trace.run);
  return [...new Set([...inGroup, ...marked])];
}

/**
 * Ends what is left of a run whose main process has ended; pids of what could not be ended.
 *
 * On macOS nothing is ended: all that is known there is the group's number, which may be another's by now.
 */
export async function endLeftovers(ref: Ref, host: Host): Promise<number[]> {
  if (host.platform === 'linux') {
    const tree = treeOf(ref, host);
    // What an earlier server has frozen does not die of KILL with cgroup v1.
    await freezerOf(ref, tree, true)
      .thaw()
      .catch(() => undefined);
    await endTree(tree, PATIENCE_MS);
  }
  return findRun(ref, host);
}

/**
 * Ends a run of which only the trace was saved: TERM, and `graceMs` later KILL to the whole tree. Pids of what could not be ended.
 *
 * Its server died between the start and saving the ref, so the run never served anybody, and by its cgroup or marker it is proven to be ours.
 */
export async function endRun(trace: Trace, host: Host, graceMs: number): Promise<number[]> {
  const tree = tracedTree(trace, host);
  // Before the TERM: those who have a marked parent now may be orphans after it.
  await tree.remember();
  for (const pid of await findRun(trace, host)) signal(pid, 'SIGTERM');
  const deadline = performance.now() + graceMs;
  const pauses = new Pauses();
  while (performance.now() < deadline && (await tree.members()).length > 0) await pauses.wait();
  await endTree(tree, PATIENCE_MS);
  return tree.members();
}

/** No process has this number: of a traced run no main process is known. */
const NOBODY: Known = { pid: 0, startTime: '' };

function tracedTree(trace: Trace, host: Host): Tree {
  const isLinux = host.platform === 'linux';
  let seen: readonly Known[] = [];
  const look = async (): Promise<readonly Known[]> => {
    seen = isLinux ? await membersOfRun(trace.run, NOBODY, seen) : [];
    return seen;
  };
  const members = async () => [
    ...new Set([...(await findRun(trace, host)), ...(await look()).map(({ pid }) => pid)]),
  ];
  return {
    members,
    async remember() {
      await look();
    },
    async kill() {
      const found = await members();
      if (trace.cgroup !== undefined && (await isPopulated(trace.cgroup))) await killGroup(trace.cgroup);
      seen.forEach(killKnown);
      // ps(1) proves them by the same marker; there is nothing that would tell them from a successor of their number.
      if (!isLinux) for (const pid of found) signal(pid, 'SIGKILL');
      return found.length > 0;
    },
    async cleanUp() {
      if (trace.cgroup !== undefined) await removeGroup(trace.cgroup);
    },
  };
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile, or it is not ours to signal: what is left is reported.
  }
}
