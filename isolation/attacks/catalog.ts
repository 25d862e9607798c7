/** What a hostile customer tries: one entry for each attempt that is made and shown. */

export interface Attack {
  readonly id: AttackId;
  /** For whoever runs a service, not for kernel developers. */
  readonly title: string;
}

const TITLES = {
  'sibling-read': "read another customer's files",
  'sibling-write': "write into another customer's directory",
  'data-root-list': 'list who the customers are',
  'server-secrets': "read the server's database, token or configuration",
  'foreign-processes': 'see processes that are not its own',
  'sibling-command': "read another customer's command line",
  'sibling-environment': "read another customer's environment (its secrets)",
  'init-environment': 'find secrets of the server in the environment of process 1',
  'init-root': "reach the machine's files through process 1",
  'sibling-signal': "end another customer's processes",
  'sibling-memory': "read another customer's memory",
  'sibling-port': "connect to another customer's app (TCP)",
  'sibling-udp': "reach another customer's app (UDP)",
  'sibling-port-share': "listen on another customer's port, for a share of its visitors",
  'management-port': 'connect to a management port on loopback',
  'abstract-socket': 'connect to an abstract socket of the machine',
  'management-socket': "connect to the server's control socket",
  'system-bus': "connect to the machine's system bus",
  'shared-tmp': "read others' files in /tmp",
  'shared-memory': "read others' shared memory (/dev/shm)",
  'sysv-memory': "see others' shared memory (System V)",
  'system-write': 'change programs, settings or its own code',
  'user-namespace': 'become root in a new user namespace',
  'user-namespace-clone3': 'the same, by the newer system call',
  mount: 'mount a file system',
  remount: 'make what is read-only writable',
  'gain-privileges': 'gain privileges by a setuid program',
  capabilities: 'hold powers of root, or be able to gain them',
  'raw-devices': "open disks, memory or the machine's console",
  'make-device': 'make such a device',
  'cgroup-files': 'leave its limits, by cgroup files',
  sysctl: 'change settings of the kernel',
  'inherited-descriptors': 'use files that the server left open',
  'kernel-addresses': 'learn addresses inside the kernel',
  keyring: "use the kernel's key rings",
  'io-uring': 'use io_uring, past filters of system calls',
  bpf: 'load programs into the kernel (bpf)',
  userfaultfd: 'use userfaultfd, a tool of kernel exploits',
  ptrace: 'use the debugger interface (ptrace)',
  'fork-bomb': 'start more processes than its limit',
  'fill-tmp': "fill the machine's memory or disk by way of /tmp or /dev/shm",
  'busy-loop': 'take more processor time than its limit',
  'memory-bomb': 'take more memory than its limit, or take others with it',
  'outlive-stop': 'leave a process behind when it is stopped',
} as const;

export type AttackId = keyof typeof TITLES;

export const ATTACKS: readonly Attack[] = (Object.keys(TITLES) as AttackId[]).map((id) => ({
  id,
  title: TITLES[id],
}));

/** `blocked`: it was stopped. `open`: it worked. `n/a`: it was not or could not be tried, `detail` says why. */
export interface Outcome {
  readonly outcome: 'blocked' | 'open' | 'n/a';
  /** What was reached, or why it was not tried. */
  readonly detail?: string;
}

export type Outcomes = Readonly<Record<AttackId, Outcome>>;
