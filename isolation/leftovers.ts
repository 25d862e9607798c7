/** What still lives of a run whose main process has ended, or of which no ref was saved. Only what is proven to be of that run counts. */
import { endGroup, groupProcesses } from './cgroup.js';
import type { Host, Ref, Trace } from './contract.js';
import { markedByPs } from './group.js';
import { type Known, killKnown, markedProcesses, processesOf } from './members.js';
import { pause } from './poll.js';
import { readStat } from './proc.js';

/** How long leftovers may take to end: longer only if one cannot be killed. */
const PATIENCE_MS = 5_000;

/** Pids of live processes of that run: in its cgroup, or with its marker in their environment. Nothing is done to them. */
export async function findRun(trace: Trace, host: Host): Promise<number[]> {
  const inGroup = trace.cgroup === undefined ? [] : await groupProcesses(trace.cgroup);
  const marked = host.platform === 'linux' ? await markedProcesses(trace.run) : await markedByPs(trace.run);
  return [...new Set([...inGroup, ...marked])];
}

/** Ends what is left of the run; its pids if that did not succeed in time. */
export async function endLeftovers(ref: Ref, host: Host): Promise<number[]> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const left = await leftovers(ref, host);
    if (left.length === 0) {
      if (ref.cgroup !== undefined) await endGroup(ref.cgroup);
      return [];
    }
    if (Date.now() > deadline) return left;
    await Promise.all((await known(left)).map(killKnown));
    await pause(20);
  }
}

async function leftovers(ref: Ref, host: Host): Promise<number[]> {
  const ofRun = await findRun(ref, host);
  const ofUid =
    host.platform === 'linux' && ref.exclusive === true && ref.uid !== undefined && ref.uid !== 0
      ? await processesOf(ref.uid)
      : [];
  return [...new Set([...ofRun, ...ofUid])];
}

async function known(pids: readonly number[]): Promise<Known[]> {
  const stats = await Promise.all(pids.map(readStat));
  return stats.filter((stat) => stat !== undefined);
}
