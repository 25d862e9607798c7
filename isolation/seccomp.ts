/**
 * Pure: a filter of system calls (seccomp(2)) for isolated instances, as the classic BPF program that the kernel takes. It denies what a web app has no
 * use for and what kernel bugs and escapes are made of; everything else is allowed, so that any language runs.
 */
import { DENIED, type FilterArch, SPECIAL } from './syscalls.js';

/** linux/audit.h */
const AUDIT_ARCH: Record<FilterArch, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };
/** x86-64's second set of system call numbers. */
const X32_BIT = 0x40000000;

/** Offsets in struct seccomp_data; arguments are 64 bits wide, these are their lower halves (both architectures are little-endian). */
const NUMBER = 0;
const ARCH = 4;
const argument = (n: number): number => 16 + 8 * n;

const RET_ALLOW = 0x7fff0000;
const RET_KILL_PROCESS = 0x80000000;
const errno = (code: number): number => 0x00050000 | code;
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NEW_NAMESPACES = 0x7e020000;
/** In clone(2) these bits are the signal at the child's end. */
const CLONE_NEWTIME = 0x80;
/** AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK, by which libraries list the network's interfaces. */
const FAMILIES = [1, 2, 10, 16];
/** TIOCSTI and TIOCLINUX put input into a terminal, as if its user had typed it. */
const TERMINAL_INPUT = [0x5412, 0x541c];
/**
 * FS_IOC_FSSETXATTR, FS_IOC_SETFLAGS and its 32-bit form: the owner of a file may give it to another project, and so leave its own quota or use up
 * a sibling's.
 */
const FILE_ATTRIBUTES = [0x401c5820, 0x40086602, 0x40046602];

/** One instruction of linux/filter.h. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

const load = (offset: number): Instruction => ({ code: 0x20, jt: 0, jf: 0, k: offset });
const ret = (value: number): Instruction => ({ code: 0x06, jt: 0, jf: 0, k: value });
/** Jumps over the next `skip` instructions unless equal. */
const unlessEqual = (k: number, skip: number): Instruction => ({ code: 0x15, jt: 0, jf: skip, k });
const ifEqual = (k: number, skip: number): Instruction => ({ code: 0x15, jt: skip, jf: 0, k });
const ifAtLeast = (k: number, otherwise: number): Instruction => ({ code: 0x35, jt: 0, jf: otherwise, k });
const ifAnyBit = (k: number, otherwise: number): Instruction => ({ code: 0x45, jt: 0, jf: otherwise, k });

export function isFilterArch(arch: string): arch is FilterArch {
  return arch in AUDIT_ARCH;
}

export function filterProgram(arch: FilterArch): Instruction[] {
  const { clone, clone3, unshare, socket, ioctl } = SPECIAL[arch];
  return [
    // First of all the architecture: the numbers mean other calls in another one (32-bit code can be run by 64-bit processes).
    load(ARCH),
    ifEqual(AUDIT_ARCH[arch], 1),
    ret(RET_KILL_PROCESS),
    load(NUMBER),
    ...(arch === 'x64' ? [ifAtLeast(X32_BIT, 1), ret(errno(EPERM))] : []),
    ...DENIED[arch].flatMap((number) => [unlessEqual(number, 1), ret(errno(EPERM))]),
    // Its flags are in memory, where a filter cannot look. Callers fall back to clone on ENOSYS.
    ...[unlessEqual(clone3, 1), ret(errno(ENOSYS))],
    ...when(clone, [load(argument(0)), ifAnyBit(NEW_NAMESPACES, 1), ret(errno(EPERM))]),
    ...when(unshare, [load(argument(0)), ifAnyBit(NEW_NAMESPACES | CLONE_NEWTIME, 1), ret(errno(EPERM))]),
    ...when(socket, [
      load(argument(0)),
      ...FAMILIES.map((family, i) => ifEqual(family, FAMILIES.length - i)),
      ret(errno(EAFNOSUPPORT)),
    ]),
    ...when(ioctl, [
      load(argument(1)),
      ...[...TERMINAL_INPUT, ...FILE_ATTRIBUTES].flatMap((request) => [
        unlessEqual(request, 1),
        ret(errno(EPERM)),
      ]),
    ]),
    ret(RET_ALLOW),
  ];
}

/** Runs `then` for that call only; what it does not decide is allowed. */
function when(number: number, then: readonly Instruction[]): Instruction[] {
  return [unlessEqual(number, then.length + 1), ...then, ret(RET_ALLOW)];
}

/** struct sock_filter[], as bwrap's --seccomp and seccomp(2) take it. */
export function encodeFilter(program: readonly Instruction[]): Buffer {
  const buffer = Buffer.alloc(program.length * 8);
  for (const [i, { code, jt, jf, k }] of program.entries()) {
    buffer.writeUInt16LE(code, i * 8);
    buffer.writeUInt8(jt, i * 8 + 2);
    buffer.writeUInt8(jf, i * 8 + 3);
    buffer.writeUInt32LE(k >>> 0, i * 8 + 4);
  }
  return buffer;
}
