/** All processes of one run, and how to end them: by the strongest means that the machine and the run have. */
import { execa } from 'execa';
import { dropPrivilege } from './argv.js';
import { groupProcesses, isPopulated, killGroup, removeGroup } from './cgroup.js';
import type { Host, Ref } from './contract.js';
import { groupMembers, signalGroup } from './group.js';
import { type Known, killKnown, membersOfRun, processesOf } from './members.js';
import { releaseNetwork } from './network/network.js';
import { Pauses } from './poll.js';
import { descendants } from './proc.js';

export interface Tree {
  /** Pids that live now. */
  members(): Promise<number[]>;
  /** Called at once when the main process has ended: notes who is left, while that can still be told. */
  remember(): Promise<void>;
  /** One KILL to all that can be found; whether there was anything. */
  kill(): Promise<boolean>;
  /** Once nothing lives any more. */
  cleanUp(): Promise<void>;
}

/**
 * KILLs until nothing is left, or until the time is over; whether nothing is left. A process that forks and ends during one look can be
 * missed by it, so two looks have to find nothing.
 */
export async function endTree(tree: Tree, withinMs = Number.POSITIVE_INFINITY): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  const pauses = new Pauses();
  for (let quiet = 0; quiet < 2; ) {
    quiet = (await tree.kill()) ? 0 : quiet + 1;
    if (quiet === 0 && performance.now() > deadline) return false;
    await pauses.wait();
  }
  await tree.cleanUp();
  return true;
}

export function treeOf(ref: Ref, host: Host): Tree {
  const tree = strongestTree(ref, host);
  const legacy = ref.legacyCgroups ?? [];
  if (legacy.length === 0 && ref.net === undefined) return tree;
  return {
    ...tree,
    async cleanUp() {
      await tree.cleanUp();
      await Promise.all(legacy.map(removeGroup));
      // Rules for what does not live any more do no harm, and must not keep a stop from its end.
      await releaseNetwork(ref, host).catch(() => undefined);
    },
  };
}

function strongestTree(ref: Ref, host: Host): Tree {
  if (ref.cgroup !== undefined) return cgroupTree(ref.cgroup, ref.init ?? ref);
  if (host.platform !== 'linux') return processGroupTree(ref.pid);
  if (ref.init !== undefined) return namespaceTree(ref.init, ref.guard ?? ref.init);
  const setpriv = host.tools.setpriv;
  if (isOwnUid(ref) && host.root && setpriv !== undefined) return uidTree(ref.uid, setpriv);
  return scannedTree(ref);
}

/** Only a uid that is nobody else's: never root, never the server's own. */
function isOwnUid(ref: Ref): ref is Ref & { uid: number } {
  return ref.exclusive === true && ref.uid !== undefined && ref.uid !== 0 && ref.uid !== process.geteuid?.();
}

const nothing = async (): Promise<void> => undefined;

function cgroupTree(directory: string, main: Known): Tree {
  return {
    members: () => groupProcesses(directory),
    remember: nothing,
    async kill() {
      const populated = await isPopulated(directory);
      if (populated) await killGroup(directory);
      // An administrator, or an app that runs as our own user, may have moved it out of its group.
      return killKnown(main) || populated;
    },
    cleanUp: () => removeGroup(directory),
  };
}

/**
 * The kernel ends everything in a pid namespace with its pid 1, and makes that wait until it is done (pid_namespaces(7)). The guard goes first:
 * unshare of util-linux 2.38 reports a killed child as an error of its own.
 */
function namespaceTree(init: Known, guard: Known): Tree {
  return {
    members: () => descendants(init.pid),
    remember: nothing,
    kill: async () => [guard, init].map(killKnown).includes(true),
    cleanUp: nothing,
  };
}

function uidTree(uid: number, setpriv: string): Tree {
  return {
    members: () => processesOf(uid),
    remember: nothing,
    async kill() {
      if ((await processesOf(uid)).length === 0) return false;
      // kill(-1) reaches, in one step, whatever the caller may signal: as that user, exactly that user's processes (kill(2)).
      const kill = ['--', '/bin/sh', '-c', 'kill -KILL -1'];
      await execa(setpriv, [...dropPrivilege({ uid, gid: uid }), ...kill], {
        reject: false,
        stdin: 'ignore',
      });
      return true;
    },
    cleanUp: nothing,
  };
}

function scannedTree(ref: Ref): Tree {
  let seen: readonly Known[] = [];
  const look = async (): Promise<readonly Known[]> => {
    seen = await membersOfRun(ref.run, ref, seen);
    return seen;
  };
  return {
    members: async () => (await look()).map((known) => known.pid),
    async remember() {
      await look();
    },
    async kill() {
      const found = await look();
      found.forEach(killKnown);
      return found.length > 0;
    },
    cleanUp: nothing,
  };
}

function processGroupTree(pgid: number): Tree {
  return {
    members: () => groupMembers(pgid),
    remember: nothing,
    kill: async () => signalGroup(pgid) && (await groupMembers(pgid)).length > 0,
    cleanUp: nothing,
  };
}
