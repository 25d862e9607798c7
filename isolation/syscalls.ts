/** Numbers of system calls: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h (arm64) of the kernel. */

export type FilterArch = 'x64' | 'arm64';

/** name: [x64, arm64]; undefined where an architecture does not have it. */
const NUMBERS = {
  // other processes' memory and descriptors
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  // mounts and roots
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  // files by number, past the directories that lead to them
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  setns: [308, 268],
  // the project that a file counts for (seccomp.ts, FILE_ATTRIBUTES)
  file_setattr: [469, 469],
  // keyrings are shared by all processes of a uid, and by a session
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  // large parts of the kernel with a long history of holes
  bpf: [321, 280],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  userfaultfd: [323, 282],
  perf_event_open: [298, 241],
  fanotify_init: [300, 262],
  // the machine itself
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  create_module: [174, undefined],
  init_module: [175, 105],
  delete_module: [176, 106],
  finit_module: [313, 273],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  adjtimex: [159, 171],
  clock_adjtime: [305, 266],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  syslog: [103, 116],
  vhangup: [153, 58],
  migrate_pages: [256, 238],
  move_pages: [279, 239],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  // relics
  modify_ldt: [154, undefined],
  uselib: [134, undefined],
  ustat: [136, undefined],
  sysfs: [139, undefined],
  _sysctl: [156, undefined],
  nfsservctl: [180, 42],
  lookup_dcookie: [212, 18],
} as const satisfies Record<string, readonly [number, number | undefined]>;

/** Denied whatever their arguments. */
export const DENIED: Record<FilterArch, readonly number[]> = {
  x64: Object.values(NUMBERS).map(([x64]) => x64),
  arm64: Object.values(NUMBERS).flatMap(([, arm64]) => (arm64 === undefined ? [] : [arm64])),
};

/** Looked at more closely. */
export const SPECIAL: Record<
  FilterArch,
  Readonly<Record<'clone' | 'clone3' | 'unshare' | 'socket' | 'ioctl', number>>
> = {
  x64: { clone: 56, clone3: 435, unshare: 272, socket: 41, ioctl: 16 },
  arm64: { clone: 220, clone3: 435, unshare: 97, socket: 198, ioctl: 29 },
};
