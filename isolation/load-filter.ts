/** Pure: a command that puts a filter of system calls on itself and executes the rest, without a program of ours on the machine. */
import { encodeFilter, filterProgram } from './seccomp.js';
import type { FilterArch } from './syscalls.js';

/** prctl(2), on which seccomp filters can be set without a libc function for it. */
const PRCTL: Record<FilterArch, number> = { x64: 157, arm64: 167 };
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;

export interface FilterLoader {
  /** Before what it is to execute. */
  readonly command: readonly string[];
  /** Has to be in its environment, and is not in that of what it executes; two thousand characters that need not fill `ps`. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * By perl, which every Debian and Ubuntu has (perl-base is essential) and which can make any system call. It needs no_new_privs to be set. The filter
 * goes with struct sock_fprog: its length in instructions, padding, a pointer.
 */
export function loadFilter(perl: string, arch: FilterArch): FilterLoader {
  const program = [
    '$f = pack("H*", delete $ENV{TENEMENT_FILTER});',
    '$p = pack("S x6 P", length($f) / 8, $f);',
    `syscall(${PRCTL[arch]}, ${PR_SET_SECCOMP}, ${SECCOMP_MODE_FILTER}, $p) == 0 or die "the filter of system calls: $!\\n";`,
    'exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n";',
  ].join(' ');
  return {
    command: [perl, '-e', program, '--'],
    env: { TENEMENT_FILTER: encodeFilter(filterProgram(arch)).toString('hex') },
  };
}
