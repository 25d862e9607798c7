/**
 * Pure: one program that takes all steps between a namespace and the app in it: builds the root, limits, drops what is not the app's, executes it.
 *
 * In perl, which every Debian and Ubuntu has (perl-base is essential) and which can make any system call. The same is done by a shell and a dozen
 * programs where there is none; starting those costs several times what they do.
 */
import type { Host } from './contract.js';
import { RUN_MARKER } from './proc.js';
import { isFilterArch } from './seccomp.js';
import type { FilterArch } from './syscalls.js';

export interface Builder {
  readonly perl: string;
  readonly arch: FilterArch;
}

export function builderOf({ tools: { perl } }: Pick<Host, 'tools'>): Builder | undefined {
  const { arch } = process;
  return perl !== undefined && isFilterArch(arch) ? { perl, arch } : undefined;
}

/** A function of the program's %DO and what it gets; numbers are decimal. */
export type Step = readonly [name: string, ...words: (string | number)[]];

/** asm/unistd_64.h, asm-generic/unistd.h. */
const NUMBERS: Record<FilterArch, Record<string, number>> = {
  x64: {
    ...{ write: 1, close: 3, dup3: 292, prctl: 157, capset: 126, prlimit: 302, statfs: 137 },
    ...{ mount: 165, umount: 166, pivot_root: 155, setresuid: 117, setresgid: 119, setgroups: 116 },
    ...{ unshare: 272, sethostname: 170 },
  },
  arm64: {
    ...{ write: 64, close: 57, dup3: 24, prctl: 167, capset: 91, prlimit: 261, statfs: 43 },
    ...{ mount: 40, umount: 39, pivot_root: 41, setresuid: 147, setresgid: 149, setgroups: 159 },
    ...{ unshare: 97, sethostname: 161 },
  },
};

/**
 * Complaints go to fd 2, which is the report (argv.ts); fd 4 is the app's own stderr, fd 5 a socket for it or for the forwarder, fd 7 says when to go on.
 *
 * A scalar that came as text is passed to a system call as a pointer, one that came out of arithmetic as a number.
 */
const PROGRAM = String.raw`
sub call {
  my ($what, $name, @args) = @_;
  my $got = syscall($N{$name}, @args);
  $got == -1 and die "$what: $!\n";
  $got;
}
sub fds_closed { syscall($N{close}, $_) for @_ }
sub directories {
  my ($path, $mode) = @_;
  return if -d $path;
  my $at = "";
  for (split m{/}, substr($path, 1)) { $at .= "/$_"; -d $at or mkdir($at, $mode) or die "$at: $!\n" }
}
my %was = %ENV; %ENV = ();
my $has_socket = 0;
my $guard = 0;
umask 022;
my %DO = (
  mount => sub {
    my ($source, $target, $type, $flags, $data) = @_;
    call("mounting $source on $target", "mount", $source, $target, $type, 0 + $flags, $data);
  },
  # What restricts it already stays: in a user namespace the kernel lets nobody take that away.
  restrict => sub {
    my ($target, $flags) = @_;
    my $info = "\0" x 120;
    call($target, "statfs", $target, $info);
    my $has = 15 & unpack("x80 q", $info);
    call("restricting $target", "mount", "none", $target, "none", $flags | $has, "");
  },
  directory => sub { my ($path, $mode) = @_; directories($path, oct($mode)) },
  # A symlink of the machine, for the new root.
  link => sub {
    my ($from, $to) = @_;
    my $target = readlink($from); defined($target) or die "$from: $!\n";
    symlink($target, $to) or die "$to: $!\n";
  },
  file => sub {
    my ($path, $text) = @_;
    open(my $file, ">", $path) or die "$path: $!\n";
    print $file $text;
    close($file) or die "$path: $!\n";
  },
  # Not by /proc/sys: in a container that can be read only.
  hostname => sub { my ($name) = @_; call("the host name $name", "sethostname", $name, length($name)) },
  root => sub {
    my ($root, $old) = @_;
    chdir($root) or die "$root: $!\n";
    call("pivot_root", "pivot_root", ".", $old);
    # Detached. It also frees the disks of the machine that would otherwise stay mounted as long as this instance lives.
    call("umount", "umount", "/$old", 2);
    chdir("/") or die "/: $!\n";
  },
  # Into a network of its own, to which a program that stays in the machine's passes what is sent. It goes to the background when it is ready. It finds
  # the network at a file: the links in /proc are closed to who has fewer capabilities than we (ptrace(2), access mode checking). One that stays says on a
  # descriptor that it is ready, and what it complains of later is nobody's.
  uplink => sub {
    my ($place, $backgrounds, @command) = @_;
    pipe(my $go, my $tell) && pipe(my $said, my $say) or die "pipe: $!\n";
    defined(my $pid = fork) or die "fork: $!\n";
    if ($pid == 0) {
      close($tell); close($said);
      defined(<$go>) or exit 1;
      open(STDERR, ">&", $say); open(STDOUT, ">", "/dev/null");
      close($go); close($say);
      fds_closed(3 .. 31);
      # Closed with its name.
      my $works;
      if (!$backgrounds) {
        pipe(my $ready, $works) or exit 1;
        defined(my $stays = fork) or exit 1;
        if ($stays) { close($works); sysread($ready, my $one, 1); exit(defined($one) && $one eq "1" ? 0 : 1) }
        fcntl($works, 2, 0);
        my $fd = fileno($works);
        s/\{ready\}/$fd/ for @command;
        $SIG{PIPE} = "IGNORE";
      }
      exec { $command[0] } @command or print STDERR "$!\n";
      exit 1;
    }
    close($go); close($say);
    call("a place for the network", "mount", "tenement", $place, "tmpfs", 0, "size=4k");
    call("a network of its own", "unshare", 0x40000000);
    open(my $file, ">", "$place/net") or die "$place/net: $!\n";
    close($file);
    call("the network's file", "mount", "/proc/self/ns/net", "$place/net", "none", 4096, "");
    syswrite($tell, "go\n"); close($tell);
    waitpid($pid, 0);
    my $status = $?;
    # One that stays keeps its end open.
    fcntl($said, 4, 2048 | fcntl($said, 3, 0));
    my @said = grep { !/syslog/ } <$said>;
    $status == 0 or die "$command[0] cannot connect the network: ", (@said ? $said[-1] : "status $status\n");
    call("umount", "umount", $place, 2);
  },
  # A program that reads its input and ends.
  feed => sub {
    my ($text, @command) = @_;
    open(my $input, "|-", @command) or die "$command[0]: $!\n";
    print $input $text;
    close($input) or die "$command[0] failed\n";
  },
  # Executes the command as it is: all that there is, and is open, is for the next one, which does the other steps.
  pass => sub {
    %ENV = %was;
    # Some shells add theirs, and process 1 of the next namespace shows what it was given.
    delete @ENV{qw(TENEMENT_BEFORE PWD OLDPWD SHLVL _)};
    exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\n";
  },
  loopback => sub {
    socket(my $s, 2, 2, 0) or die "socket: $!\n";
    my $up = pack("a16 s x22", "lo", 0x41);
    ioctl($s, 0x8914, $up) or die "loopback: $!\n";
  },
  # What is this process now stays as the guard of two: what passes connections on, and the app, into which its second child goes on. What nobody can
  # connect to any more must not look alive, so the app ends with the forwarder; and both with the guard, whoever ended it.
  forward => sub {
    my ($port, $uid) = @_;
    pipe(my $works, my $tell) or die "pipe: $!\n";
    defined(my $forwarder = fork) or die "fork: $!\n";
    if ($forwarder == 0) {
      close($works);
      fds_closed(grep { $_ != fileno($tell) } 3, 4, 6, 7);
      @ARGV = ($port, $uid, fileno($tell));
      eval "package Forwarder; $was{TENEMENT_FORWARD}";
      print STDERR $@;
      exit 1;
    }
    close($tell);
    defined(<$works>) or exit 1;
    close($works);
    # The app's program starts only when the guard has become what it stays: until then what the app sends to its group would end it.
    pipe(my $go, my $stands) or die "pipe: $!\n";
    defined(my $app = fork) or die "fork: $!\n";
    if ($app == 0) {
      $guard = getppid();
      close($stands);
      fds_closed(5);
      defined(<$go>) or exit 1;
      close($go);
      return;
    }
    close($go);
    fds_closed(grep { $_ != fileno($stands) } 3 .. 7);
    open($_, "+<", "/dev/null") for *STDIN, *STDOUT, *STDERR;
    # Signals to the whole group are the app's matter.
    $SIG{$_} = "IGNORE" for qw(HUP INT QUIT TERM USR1 USR2 ALRM);
    my ($head, $none, $kill) = (pack("L2", 0x20080522, 0), pack("L6", (0) x 6), pack("L6", 32, 32, (0) x 4));
    # Without root there is none to keep, and none needed: the app is the same user.
    syscall($N{capset}, $head, $kill) == -1 and call("capset", "capset", $head, $none);
    call("no_new_privs", "prctl", 38, 1, 0, 0, 0);
    call("dumpable", "prctl", 4, 0, 0, 0, 0);
    my $name = "tenement-guard\0"; syscall($N{prctl}, 15, $name, 0, 0, 0);
    syswrite($stands, "go\n");
    close($stands);
    for (;;) {
      my $ended = waitpid(-1, 0);
      # As a shell tells it.
      exit($? & 127 ? 128 + ($? & 127) : $? >> 8) if $ended == $app;
      kill KILL => $app if $ended == $forwarder;
    }
  },
  limit => sub {
    my ($resource, $value) = @_;
    my $both = pack("Q2", $value, $value);
    call("a limit of $value", "prlimit", 0, 0 + $resource, $both, 0);
  },
  wait => sub {
    open(my $input, "<&=", 7) or die "waiting: $!\n";
    defined(<$input>) or exit 1;
  },
  user => sub {
    my ($uid, $gid) = @_;
    call("setgroups", "setgroups", 0, 0);
    call("setgid", "setresgid", ($gid + 0) x 3);
    call("setuid", "setresuid", ($uid + 0) x 3);
  },
  # PR_CAPBSET_DROP, while we have the right to. There is an end of them.
  bounds => sub { for (0 .. 63) { syscall($N{prctl}, 24, $_, 0, 0, 0) == -1 and ($! == 22 ? last : die "capabilities: $!\n") } },
  # Ambient ones go with those that can be inherited (capabilities(7)).
  powerless => sub {
    my $head = pack("L2", 0x20080522, 0);
    my $none = pack("L6", (0) x 6);
    call("capset", "capset", $head, $none);
    call("no_new_privs", "prctl", 38, 1, 0, 0, 0);
  },
  # Its length in instructions, padding, a pointer (struct sock_fprog).
  filter => sub {
    my $filter = pack("H*", $_[0]);
    my $program = pack("S x6 P", length($filter) / 8, $filter);
    call("the filter of system calls", "prctl", 22, 2, $program, 0, 0);
  },
  home => sub { directories($_[0], 0777) },
  enter => sub { chdir($_[0]) or die "$_[0]: $!\n" },
  socket => sub { $has_socket = 1 },
);
for (split /\n/, $was{TENEMENT_BEFORE} // $was{TENEMENT_STEPS}) {
  my ($name, @words) = split / /, $_, -1;
  s/%(..)/chr hex $1/ge for @words;
  $DO{$name}->(@words);
}
$SIG{$_} = "DEFAULT" for qw(INT QUIT);
# Only now: with the user, what was asked for before is forgotten (prctl(2), PR_SET_PDEATHSIG). The guard has one thread, and is no part of the server.
if ($guard) {
  call("the end with the guard", "prctl", 1, 9, 0, 0, 0);
  getppid() == $guard or exit 1;
}
my $ok = "ok\n";
syscall($N{write}, 3, $ok, 3);
call("stderr", "dup3", 4, 2, 0);
call("the socket", "dup3", 5, 3, 0) if $has_socket;
fds_closed($has_socket ? () : 3, 4 .. 7);
$ENV{$MARKER} = $was{$MARKER};
for (grep { /^TENEMENT_ENV_/ } keys %was) { my ($name, $value) = split /=/, $was{$_}, 2; $ENV{$name} = $value }
if ($has_socket) { $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$ }
exec { $ARGV[0] } @ARGV or print STDERR "$ARGV[0]: $!\n";
exit 127;
`;

/** Before the app's command. */
export function buildCommand(perl: string): string[] {
  return [perl, '-e', 'eval $ENV{TENEMENT_BUILD}; print STDERR $@; exit 1', '--'];
}

/** Its environment. The app's own is in it under harmless names, and gets its own only when all privileges are gone (argv.ts). */
export function buildEnv(
  arch: FilterArch,
  steps: readonly Step[],
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const numbers = Object.entries(NUMBERS[arch]).map(([name, number]) => `${name} => ${number}`);
  const carried = Object.entries(env).filter(([name]) => name !== RUN_MARKER);
  return {
    [RUN_MARKER]: env[RUN_MARKER] ?? '',
    TENEMENT_BUILD: `my %N = (${numbers.join(', ')}); my $MARKER = "${RUN_MARKER}";${PROGRAM}`,
    TENEMENT_STEPS: steps.map(encoded).join('\n'),
    ...Object.fromEntries(carried.map(([name, value], i) => [`TENEMENT_ENV_${i}`, `${name}=${value}`])),
  };
}

/** To be added to buildEnv's: of a command before the one that does its steps, which is reached by `pass`. */
export function beforeEnv(steps: readonly Step[]): Readonly<Record<string, string>> {
  return { TENEMENT_BEFORE: steps.map(encoded).join('\n') };
}

function encoded(step: Step): string {
  return step
    .map((word) =>
      String(word).replace(/[ \n%]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
    )
    .join(' ');
}
