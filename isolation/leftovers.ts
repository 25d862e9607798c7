/** What still lives of a run whose main process has ended, or of which no ref was saved. Only what is proven to be of that run counts. */
import { groupProcesses } from './cgroup.js';
import type { Host, Ref, Trace } from './contract.js';
import { markedByPs } from './group.js';
import { markedProcesses } from './members.js';
import { endTree, treeOf } from './tree.js';

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
  if (host.platform === 'linux') await endTree(treeOf(ref, host), PATIENCE_MS);
  return findRun(ref, host);
}
