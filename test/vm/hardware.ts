/** Pure: what runs the machine. The same disks start in each; guest/start.sh finds its second serial port as ttyS1. */
import { join } from 'node:path';
import type { Image } from './image/cache.js';

/**
 * `tcg`: qemu, which emulates the processor and works everywhere; ten times as slow. `kvm`: qemu where that works. `uml`: User-mode Linux, a kernel
 * that is a program of this machine; three times as slow. It has one processor and no nft(8) for the families that tenement uses.
 */
export const MACHINES = ['tcg', 'kvm', 'uml'] as const;
export type MachineKind = (typeof MACHINES)[number];

export interface Disks {
  readonly project: string;
  readonly data: string;
}

export interface Hardware {
  readonly kind: MachineKind;
  readonly image: Image;
  readonly disks: Disks;
  /** Gets what the machine prints while it starts. */
  readonly console: string;
  /** For files that it needs while it runs. */
  readonly directory: string;
}

/** Where Debian's package has them. */
export const UML_MODULES = '/usr/lib/uml/modules';
const MEGABYTES = '3072';
// No watchdog: what it takes for a lockup is a machine outside that has other things to do.
const KERNEL_OPTIONS =
  'quiet mitigations=off nowatchdog audit=0 panic=-1 systemd.show_status=yes systemd.journald.forward_to_console=no';
/**
 * One processor, and an old one. Two that are emulated wait for each other whenever the machine outside is busy: a fork took three times as
 * long, the kernel's watchdog found its processors stuck, and once they waited for good. And all that newer ones have more (address spaces
 * kept apart, wide vectors) is work for whoever emulates it: Node took a third longer to start.
 */
const EMULATED = ['-accel', 'tcg,thread=single', '-cpu', 'Nehalem', '-smp', '1'];
const VIRTUAL = ['-accel', 'kvm', '-cpu', 'host', '-smp', '2'];

export function commandOf(hardware: Hardware): [file: string, args: string[]] {
  return hardware.kind === 'uml' ? userMode(hardware) : qemu(hardware);
}

function qemu({ kind, image, disks, console }: Hardware): [string, string[]] {
  const drive = (path: string): string[] => [
    '-drive',
    // What the machine writes is gone with qemu: the image stays as it was built. It outlasts the machine's own restarts.
    `file=${path},format=raw,if=virtio,snapshot=on,cache=unsafe`,
  ];
  const args = [
    ...(kind === 'tcg' ? EMULATED : VIRTUAL),
    ...['-m', MEGABYTES],
    ...['-display', 'none', '-monitor', 'none', '-nic', 'none', '-no-user-config', '-nodefaults'],
    ...['-serial', `file:${console}`],
    ...['-chardev', 'stdio,id=port,signal=off', '-serial', 'chardev:port'],
    ...drive(image.disk),
    ...drive(disks.project),
    ...drive(disks.data),
    ...['-kernel', image.kernel, '-initrd', image.initrd],
    ...['-append', `console=ttyS0 ${KERNEL_OPTIONS}`],
  ];
  return ['qemu-system-x86_64', args];
}

/** See linux.uml(1) and `linux.uml --help`. */
function userMode({ image, disks, console, directory }: Hardware): [string, string[]] {
  const args = [
    `mem=${MEGABYTES}M`,
    // What is written goes to the first file, so that the image stays as it was built.
    `ubd0=${join(directory, 'written')},${image.disk}`,
    `ubd1=${disks.project}`,
    `ubd2=${disks.data}`,
    `initrd=${image.initrd}`,
    `uml_dir=${directory}/`,
    ...['con=null', `ssl0=null,file:${console}`, 'ssl1=fd:0,fd:1', 'console=ttyS0'],
    ...KERNEL_OPTIONS.split(' '),
  ];
  return ['linux.uml', args];
}
