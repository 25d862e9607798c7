/** All processes of one run, and how to end them: by the strongest means that the machine and the run have. */
import { execa } from 'execa';
import { dropPrivilege } from './argv.js';
import { endGroup, groupProcesses } from './cgroup.js';
import type { Host, Ref } from './contract.js';
import { endProcessGroup, groupMembers } from './group.js';
import { type Known, killKnown, membersOfRun, processesOf } from './members.js';
import { Pauses } from './poll.js';

export interface Tree {
  /** Pids that live now. */
  members(): Promise<number[]>;
  /** Called at once when the main process has ended: notes who is left, while that can still be told. */
  remember(): Promise<void>;
  /** KILLs until nothing is left. Waits as long as that takes (a process in an uninterruptible read cannot be killed). */
  end(): Promise<void>;
}

export function treeOf(ref: Ref, host: Host): Tree {
  if (ref.cgroup !== undefined) return cgroupTree(ref.cgroup);
  if (host.platform !== 'linux') return processGroupTree(ref.pid);
  const setpriv = host.tools.setpriv;
  if (isOwnUid(ref) && host.root && setpriv !== undefined) return uidTree(ref.uid, setpriv);
  return scannedTree(ref);
}

/** Only a uid that is nobody else's: never root, never the server's own. */
function isOwnUid(ref: Ref): ref is Ref & { uid: number } {
  return ref.exclusive === true && ref.uid !== undefined && ref.uid !== 0 && ref.uid !== process.geteuid?.();
}

function cgroupTree(directory: string): Tree {
  return {
    members: () => groupProcesses(directory),
    remember: async () => undefined,
    end: () => endGroup(directory),
  };
}

function uidTree(uid: number, setpriv: string): Tree {
  return {
    members: () => processesOf(uid),
    remember: async () => undefined,
    async end() {
      const pauses = new Pauses();
      while ((await processesOf(uid)).length > 0) {
        // kill(-1) reaches, in one step, whatever the caller may signal: as that user, exactly that user's processes (kill(2)).
        const kill = ['--', '/bin/sh', '-c', 'kill -KILL -1'];
        await execa(setpriv, [...dropPrivilege({ uid, gid: uid }), ...kill], {
          reject: false,
          stdin: 'ignore',
        });
        await pauses.wait();
      }
    },
  };
}

function scannedTree(ref: Ref): Tree {
  let seen: readonly Known[] = [];
  const look = async (): Promise<readonly Known[]> => {
    const found = await membersOfRun(ref.run, ref, seen);
    seen = found;
    return found;
  };
  return {
    members: async () => (await look()).map((known) => known.pid),
    async remember() {
      await look();
    },
    async end() {
      const pauses = new Pauses();
      // Twice nothing: a process that forks and ends during one look can be missed by it.
      for (let quiet = 0; quiet < 2; ) {
        const found = await look();
        await Promise.all(found.map(killKnown));
        quiet = found.length === 0 ? quiet + 1 : 0;
        await pauses.wait();
      }
    },
  };
}

function processGroupTree(pgid: number): Tree {
  return {
    members: () => groupMembers(pgid),
    remember: async () => undefined,
    end: () => endProcessGroup(pgid),
  };
}
