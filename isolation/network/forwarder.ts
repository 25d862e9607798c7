/**
 * Pure: a program that passes connections from a socket which listens outside on to a port of the instance's own network. Without it an app that
 * knows only a port could not be reached in there.
 *
 * In perl, which every Debian and Ubuntu has and which can make any system call. systemd-socket-proxyd would do it, too, but closes both directions
 * when one ends: a client that half-closes after its request would never get its answer.
 */
import type { FilterArch } from '../syscalls.js';

/** The fd of the socket that listens outside. */
export const OUTER = 5;

/** asm/unistd_64.h, asm-generic/unistd.h. */
const NUMBERS: Record<FilterArch, Record<string, number>> = {
  x64: { prctl: 157, capset: 126, prlimit: 302, create: 291, ctl: 233, wait: 281, accept4: 288 },
  arm64: { prctl: 167, capset: 91, prlimit: 261, create: 20, ctl: 21, wait: 22, accept4: 242 },
};
/** struct epoll_event is packed on x86_64 only. */
const EVENT: Record<FilterArch, string> = { x64: 'L q', arm64: 'L x4 q' };

/**
 * One loop on level-triggered epoll(7). Each direction has a buffer, which is filled again when it has been written: who reads slowly slows the
 * sender, and memory stays bounded. An end of file is passed on as such, a reset as a reset: a truncated answer must not look complete.
 *
 * Its arguments: the port; who it is while it works, which is neither the instance, which could read the listening socket out of its memory, nor root (empty:
 * the server is not root, there is no other user); and the descriptor on which it says that it works. Until then it can be trusted with nothing.
 */
const PROGRAM = String.raw`
sub sys { my $n = shift; syscall($N{$n}, @_) }
sub must { $_[1] == -1 and die "$_[0]: $!\n" }
my ($port, $uid, $tell) = splice(@ARGV, 0, 3);
my $none = pack("L6", 0, 0, 0, 0, 0, 0);
my $head = pack("L L", 0x20080522, 0);
if ($uid ne "") {
  $! = 0; $) = "$uid $uid"; $( = $uid; $! and die "setgid: $!\n";
  $! = 0; $< = $> = $uid; ($< == $uid && $> == $uid) or die "setuid: $!\n";
}
# It ends with who is told, its parent; with the user, what was asked for before would be forgotten (prctl(2), PR_SET_PDEATHSIG).
must("the end with its parent", sys("prctl", 1, 9, 0, 0, 0));
must("capset", sys("capset", $head, $none));
must("no_new_privs", sys("prctl", 38, 1, 0, 0, 0));
must("dumpable", sys("prctl", 4, 0, 0, 0, 0));
my $old = pack("Q2", 0, 0);
sys("prlimit", 0, 7, 0, $old);
my $new = pack("Q2", (unpack("Q2", $old))[1, 1]);
sys("prlimit", 0, 7, $new, 0);
my $listen = 5;
open(my $L, "+<&=", $listen) or die "the listening socket: $!\n";
my $flags = fcntl($L, 3, 0); fcntl($L, 4, $flags | 2048);
my $ep = sys("create", 524288); must("epoll", $ep);
my $name = "tenement-fwd\0"; sys("prctl", 15, $name, 0, 0, 0);
# Signals to the whole group are the app's matter, and where it is the same user they come here, too: from the moment on when the app may run.
$SIG{$_} = "IGNORE" for qw(PIPE HUP INT QUIT TERM USR1 USR2 ALRM);
open(my $said, ">&=", $tell) or die "$tell: $!\n"; syswrite($said, "works\n"); close $said;
open($_, "+<", "/dev/null") for *STDIN, *STDOUT, *STDERR;
my (%end, %mask, $paused);
sub watch {
  my ($fd, $want) = @_;
  my $have = $mask{$fd};
  return if defined $have && $have == $want;
  my $event = pack($EVENT, $want, $fd);
  sys("ctl", $ep, defined $have ? 3 : 1, $fd, $event) == 0 and $mask{$fd} = $want;
}
sub forget { my $fd = shift; my $e = pack($EVENT, 0, 0); sys("ctl", $ep, 2, $fd, $e) if defined delete $mask{$fd}; }
sub gone {
  my ($e, $reset) = @_;
  for my $x ($e, $e->{peer}) {
    my $fd = $x->{fd}; forget($fd); delete $end{$fd};
    setsockopt($x->{s}, 1, 13, pack("l l", 1, 0)) if $reset;
    close $x->{s};
  }
  delete $e->{peer}{peer}; delete $e->{peer};
  if ($paused) { $paused = 0; watch($listen, 1) }
}
sub look {
  my $e = shift; my $p = $e->{peer};
  my $want = $e->{connecting} ? 4 : (($e->{eof} || length $p->{out} ? 0 : 1) | (length $e->{out} ? 4 : 0));
  # With nothing wanted a hang-up would still be told, again and again.
  $want == 0 ? forget($e->{fd}) : watch($e->{fd}, $want);
}
sub flush {
  my $e = shift;
  while (length $e->{out}) {
    my $n = syswrite($e->{s}, $e->{out});
    if (!defined $n) { return 1 if $! == 11 || $! == 4; return 0 }
    substr($e->{out}, 0, $n) = "";
  }
  if ($e->{peer}{eof} && !$e->{shut}) { $e->{shut} = 1; shutdown($e->{s}, 1) }
  1;
}
sub ready {
  my ($e, $events) = @_; my $p = $e->{peer};
  if ($e->{connecting}) {
    my $error = unpack("i", getsockopt($e->{s}, 1, 4));
    return gone($e, 1) if $error;
    return unless $events & 4;
    $e->{connecting} = 0;
  }
  if ($events & 8) { return gone($e, 1) }
  if (($events & 17) && !$e->{eof} && !length $p->{out}) {
    my $n = sysread($e->{s}, $p->{out}, 65536);
    if (!defined $n) { return gone($e, 1) unless $! == 11 || $! == 4 }
    elsif ($n == 0) { $e->{eof} = 1 }
    if (!$p->{connecting} && !flush($p)) { return gone($e, 1) }
  }
  if (($events & 4) && !flush($e)) { return gone($e, 1) }
  return gone($e, 0) if $e->{eof} && $p->{eof} && !length $e->{out} && !length $p->{out} && !$e->{connecting} && !$p->{connecting};
  look($e); look($p);
}
sub take {
  for (1 .. 64) {
    my $c;
    if (!accept($c, $L)) { if ($! == 24 || $! == 23) { $paused = 1; watch($listen, 0) } return }
    my $s;
    if (!socket($s, 2, 1, 0)) { close $c; $paused = 1; watch($listen, 0); return }
    for ($c, $s) { fcntl($_, 4, 2048 | fcntl($_, 3, 0)); fcntl($_, 2, 1) }
    setsockopt($s, 6, 1, 1); setsockopt($c, 6, 1, 1);
    my $to = pack("S n C4 x8", 2, $port, 127, 0, 0, 1);
    my $now = connect($s, $to);
    if (!$now && $! != 115) { setsockopt($c, 1, 13, pack("l l", 1, 0)); close $c; close $s; next }
    my ($out, $in) = ({ s => $c, fd => fileno $c, out => "" }, { s => $s, fd => fileno $s, out => "", connecting => !$now });
    $out->{peer} = $in; $in->{peer} = $out; $end{$out->{fd}} = $out; $end{$in->{fd}} = $in;
    look($in); look($out);
  }
}
watch($listen, 1);
my $size = length pack($EVENT, 0, 0); my $room = "\0" x ($size * 64);
for (;;) {
  my $n = sys("wait", $ep, $room, 64, $paused ? 200 : -1, 0, 8);
  if ($n < 0) { next if $! == 4; die "epoll: $!\n" }
  if ($n == 0) { $paused = 0; watch($listen, 1) }
  my $new = 0;
  for my $i (0 .. $n - 1) {
    my ($events, $fd) = unpack($EVENT, substr($room, $i * $size, $size));
    if ($fd == $listen) { $new = 1 } elsif (my $e = $end{$fd}) { ready($e, $events) }
  }
  # Last: a new connection may get the number of one that has just been closed.
  take() if $new;
}
`;

/** The program: it need not fill `ps`. */
export function forwarderEnv(arch: FilterArch): { readonly TENEMENT_FORWARD: string } {
  const numbers = Object.entries(NUMBERS[arch]).map(([name, number]) => `${name} => ${number}`);
  return {
    TENEMENT_FORWARD: `my %N = (${numbers.join(', ')}); my $EVENT = "${EVENT[arch]}";${PROGRAM}`,
  };
}
