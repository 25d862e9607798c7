import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { attempt, first, type Result, readable, run, writable } from './attempt.js';

const DEVICES = ['/dev/mem', '/dev/kmsg', '/dev/kvm', '/dev/vda', '/dev/sda', '/dev/nvme0n1', '/dev/fuse'];
const SETTINGS = [
  '/proc/sys/kernel/hostname',
  '/proc/sys/vm/drop_caches',
  '/proc/sys/user/max_user_namespaces',
  '/proc/sysrq-trigger',
  // What the kernel executes as root.
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/modprobe',
  '/sys/kernel/uevent_helper',
];
const SETS = ['CapEff', 'CapPrm', 'CapBnd', 'CapInh', 'CapAmb'];
const KEYRING: readonly (readonly [readonly [number, number], string])[] = [
  [[250, 219], '0, -3, 1'],
  [[248, 217], '"user", "tenement-attack", "x", 1, -3'],
];
const PERL = '/usr/bin/perl';
const CLONE_NEWUSER = 0x10000000;
const SIGCHLD = 17;

export function kernelAttacks(): Record<string, Result> {
  return {
    'sysv-memory': attempt(() => /^0x/m.test(run('ipcs', '-m'))),
    'user-namespace': first([() => attempt(() => run('unshare', '--user', 'true') === ''), byClone], (way) =>
      way(),
    ),
    'user-namespace-clone3': syscall([435, 435], `pack("Q11", ${CLONE_NEWUSER}, (0) x 10), 88`),
    // In a place of its own: it would be gone with it.
    mount: attempt(() => run('mount', '-t', 'tmpfs', 'x', '/tmp') === ''),
    remount: attempt(() => run('mount', '-o', 'remount,bind,rw', '/usr') === ''),
    'gain-privileges': status('NoNewPrivs') === '1' ? false : 'no_new_privs is not set',
    capabilities: first(SETS, (set) => (/^0+$/.test(status(set)) ? false : `${set} ${status(set)}`)),
    'raw-devices': first(DEVICES, readable),
    'make-device': attempt(() => run('mknod', '/tmp/planted-device', 'c', '1', '3') === ''),
    'cgroup-files': first(['', '/unified', '/memory', '/pids'], (below) =>
      writable(`/sys/fs/cgroup${below}/cgroup.procs`),
    ),
    // An empty text changes none of them.
    sysctl: first(SETTINGS, (path) => attempt(() => writeFileSync(path, '') ?? path)),
    'kernel-addresses': attempt(() => {
      const table = readFileSync('/proc/kallsyms', 'latin1').slice(0, 4000);
      return /^0*[1-9a-f]/m.test(table.replaceAll(/ .*$/gm, ''));
    }),
    // That of its session, by what reads, makes and asks for keys.
    keyring: worst(KEYRING.map(([numbers, args]) => syscall(numbers, args))),
    'io-uring': syscall([425, 425], '4, "\\0" x 120'),
    bpf: syscall([321, 280], '0, pack("L12", 1, 4, 4, 1, (0) x 8), 48'),
    userfaultfd: syscall([323, 282], '1'),
    ptrace: syscall([101, 117], '0, 0, 0, 0'),
  };
}

/** What worked, else what could not be tried. */
function worst(results: readonly Result[]): Result {
  return (
    results.find((result) => typeof result === 'string') ??
    results.find((result) => result !== false) ??
    false
  );
}

/** clone(2) has a flag for it, too. */
function byClone(): Result {
  return syscall([56, 220], `${CLONE_NEWUSER + SIGCHLD}, 0, 0, 0, 0`);
}

function status(name: string): string {
  return new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
}

const CLONES = [56, 220, 435];

/** System calls without a wrapper, by perl. Numbers of x86_64 and aarch64. */
function syscall([x64, arm64]: readonly [number, number], args: string): Result {
  if (!['x64', 'arm64'].includes(process.arch))
    return { na: `no numbers of system calls for ${process.arch}` };
  if (!existsSync(PERL)) return { na: 'only perl could try it, and is not there' };
  const number = process.arch === 'arm64' ? arm64 : x64;
  return attempt(() => {
    // What was cloned ends at once, and says nothing twice.
    const result = run(
      PERL,
      '-e',
      `my $r = syscall(${number}, ${args}); exit 0 if $r == 0 and ${CLONES.includes(number) ? 1 : 0}; print $r`,
    );
    return result === '-1' ? false : 'the kernel took it';
  });
}
