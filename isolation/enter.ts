/** Pure: a command that goes into the namespaces of a running process and executes the rest there. */
import type { FilterArch } from './syscalls.js';

/** As in /proc/PID/ns. */
export type NamespaceKind = 'user' | 'cgroup' | 'ipc' | 'uts' | 'net' | 'pid' | 'mnt';

const CALLS = {
  x64: { setns: 308, prctl: 157, setgroups: 116, setresuid: 117, setresgid: 119 },
  arm64: { setns: 268, prctl: 167, setgroups: 159, setresuid: 147, setresgid: 149 },
} as const satisfies Record<FilterArch, Record<string, number>>;

/** ioctl_ns(2): the user namespace that owns another namespace. */
const NS_GET_USERNS = 0xb701;
const PR_SET_PDEATHSIG = 1;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const SIGKILL = 9;
const TIOCSPGRP = 0x5410;
const WUNTRACED = 2;
const EINTR = 4;
const EINVAL = 22;

export interface Entry {
  readonly perl: string;
  readonly arch: FilterArch;
  readonly pid: number;
  /** As in Ref: the pid may be another process' by now. */
  readonly startTime: string;
  /** Those that are not ours. */
  readonly kinds: readonly NamespaceKind[];
  /** Whom the command becomes in a user namespace where we are root; undefined: whoever executes the rest sees to that. */
  readonly become?: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * By perl, as the filter is (load-filter.ts). nsenter(1) can neither find the user namespace to which bubblewrap's other namespaces belong, nor live
 * through the Ctrl-C that is meant for the command.
 *
 * All files are opened first, and only then is the process looked at: what was opened is its own then. perl closes them when it executes something.
 * Into a user namespace we come with every capability in it; they are given up before anything of the instance's is executed.
 * So nothing that is executed could become another user any more, and systemd's forbid setgroups(2) (user_namespaces(7)): groups go before, user and
 * group in the last moment.
 */
export function enterCommand({ perl, arch, pid, startTime, kinds, become }: Entry): string[] {
  const { setns, prctl, setgroups, setresuid, setresgid } = CALLS[arch];
  const program = [
    'my ($pid, $start, $kinds, $uid, $gid) = splice(@ARGV, 0, 5); my %ns;',
    'for (split(/,/, $kinds)) { open($ns{$_}, "<", "/proc/$pid/ns/$_") or die "cannot open its $_ namespace: $!\\n" }',
    'open(my $stat, "<", "/proc/$pid/stat") or die "it has ended\\n";',
    '(<$stat> =~ /.*\\) (.*)/s and (split(/ /, $1))[19] eq $start) or die "it has ended\\n";',
    `sub enter { my ($fd, $kind) = @_; syscall(${setns}, $fd, 0) == 0 or ($kind eq "user" and $! == ${EINVAL}) or die "cannot enter its $kind namespace: $!\\n" }`,
    `if ($uid) { syscall(${setgroups}, 0, 0) == 0 or die "setgroups: $!\\n" }`,
    // Its network may have been made around all others, in the user namespace of who has connected it.
    `if ($ns{user} and $ns{net}) { my $owner = ioctl($ns{net}, ${NS_GET_USERNS}, 0); if ($owner) { enter($owner + 0, "user"); enter(fileno($ns{net}), "net"); delete $ns{net} } }`,
    // With no right to the others before: they belong to this one, which need not be the one that the app is in.
    `if ($ns{user} and $ns{mnt}) { my $owner = ioctl($ns{mnt}, ${NS_GET_USERNS}, 0) or die "cannot find the owner of its mount namespace: $!\\n"; enter($owner + 0, "user") }`,
    'for (qw(cgroup ipc uts net pid mnt user)) { enter(fileno($ns{$_}), $_) if $ns{$_} }',
    `if ($ns{user}) { for (0..63) { syscall(${prctl}, ${PR_CAPBSET_DROP}, $_, 0, 0, 0) == 0 or last } syscall(${prctl}, ${PR_SET_NO_NEW_PRIVS}, 1, 0, 0, 0) == 0 or die "no_new_privs: $!\\n" }`,
    // Without a terminal these come to the whole process group, and are for the command alone.
    '$SIG{$_} = "IGNORE" for qw(INT QUIT);',
    'defined(my $child = fork) or die "cannot fork: $!\\n";',
    'if ($child == 0) {',
    // Shells want to know the process group that has the terminal, and in there they could not see ours.
    `if (-t STDIN) { setpgrp(0, 0); $SIG{TTOU} = "IGNORE"; ioctl(STDIN, ${TIOCSPGRP}, pack("i", $$)) }`,
    `if ($uid) { my ($u, $g) = ($uid + 0, $gid + 0); syscall(${setresgid}, $g, $g, $g) == 0 && syscall(${setresuid}, $u, $u, $u) == 0 or die "cannot become its user: $!\\n" }`,
    `$SIG{$_} = "DEFAULT" for qw(INT QUIT TTOU); syscall(${prctl}, ${PR_SET_PDEATHSIG}, ${SIGKILL}, 0, 0, 0);`,
    'exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n" }',
    '$SIG{$_} = sub { kill($_[0], $child) } for qw(TERM HUP);',
    'open(my $report, ">&=", 3) and close($report);',
    // Nobody could continue what Ctrl-Z stops. A child that is still there was stopped, and perl's status does not tell.
    `while (1) { my $pid = waitpid($child, ${WUNTRACED}); if ($pid == -1) { $! == ${EINTR} or exit(1) } elsif (kill(0, $child)) { kill("CONT", -$child) } else { last } }`,
    'exit(($? & 127) ? 128 + ($? & 127) : $? >> 8);',
  ].join(' ');
  const ids = become === undefined ? ['', ''] : [String(become.uid), String(become.gid)];
  return [perl, '-e', program, '--', String(pid), startTime, kinds.join(','), ...ids];
}
