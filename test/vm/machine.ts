/** One run of the machine: qemu, whose first serial port is the console and whose second speaks to guest/start.sh. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tell } from '../helpers/steps.js';
import type { Image } from './image/cache.js';

export interface Disks {
  readonly project: string;
  readonly data: string;
}

export interface MachineOptions {
  readonly image: Image;
  readonly disks: Disks;
  /** Gets what the machine prints while it starts. */
  readonly console: string;
  readonly accel: 'tcg' | 'kvm';
  readonly shell: boolean;
  readonly limitMs: number;
}

export interface Outcome {
  /** Exit codes of ava, by folder of tests. */
  readonly suites: ReadonlyMap<string, number>;
  /** Why it is no proper end; undefined: the machine said that it has finished. */
  readonly broken: string | undefined;
}

const BOOT_LIMIT_MS = 300_000;
/** Longer than a test may take (`timeout` in ava.config.js), so that it is ava who tells which one it was. */
const SILENCE_LIMIT_MS = 1_320_000;
/**
 * One processor, and an old one. Two that are emulated wait for each other whenever the machine outside is busy: a fork took three times as
 * long, the kernel's watchdog found its processors stuck, and once they waited for good. And all that newer ones have more (address spaces
 * kept apart, wide vectors) is work for whoever emulates it: Node took a third longer to start.
 */
const EMULATED = ['-accel', 'tcg,thread=single', '-cpu', 'Nehalem', '-smp', '1'];
const VIRTUAL = ['-accel', 'kvm', '-cpu', 'host', '-smp', '2'];

/** Runs it to its end. Whatever happens, qemu has ended when this resolves. */
export async function runMachine(options: MachineOptions, signal: AbortSignal): Promise<Outcome> {
  const child = startQemu(options);
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const suites = new Map<string, number>();
  let broken: string | undefined = 'it ended without saying so';
  const end = (reason: string): void => {
    broken = reason;
    child.kill('SIGKILL');
  };
  const onAbort = (): void => end('interrupted');
  signal.addEventListener('abort', onAbort, { once: true });
  const limit = setTimeout(
    () => end(`it took longer than ${options.limitMs / 60_000} minutes`),
    options.limitMs,
  );
  const startedLate = (): NodeJS.Timeout =>
    setTimeout(() => end(`it did not start within ${BOOT_LIMIT_MS / 1000} s`), BOOT_LIMIT_MS);
  let boot = startedLate();
  const silence = options.shell
    ? undefined
    : setTimeout(
        () => end(`nothing was heard of it for ${SILENCE_LIMIT_MS / 60_000} minutes`),
        SILENCE_LIMIT_MS,
      );
  let began = Date.now();
  let nothingMatched = false;
  const heard = (line: string): void => {
    const [, word, rest = ''] = /^machine: (\S+) ?(.*)$/.exec(line) ?? [];
    // With `--only` that is no failure of a folder, as long as there are tests in another.
    nothingMatched ||= line.includes('find any matching tests');
    if (word === undefined) return void process.stdout.write(`${line}\n`);
    if (word === 'started') {
      clearTimeout(boot);
      tell(`${rest}: started, ${Math.round((Date.now() - began) / 1000)} s`);
    } else if (word === 'suite') tell(rest);
    else if (word === 'restarting') {
      tell('the machine restarts');
      boot = startedLate();
      began = Date.now();
    } else if (word === 'finished') broken = undefined;
    else if (word === 'suite-ended') {
      const [folder = '', status] = rest.split(' ');
      if (!nothingMatched) suites.set(folder, Number(status));
      nothingMatched = false;
    }
  };
  try {
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        silence?.refresh();
        heard(line.replace(/\r$/, ''));
      });
    } else clearTimeout(boot);
    const code = await exited;
    if (options.shell) broken = code === 0 ? undefined : `qemu ended with ${code}`;
    return { suites, broken: broken && `${broken}\n${tail(options.console)}` };
  } finally {
    clearTimeout(limit);
    clearTimeout(silence);
    clearTimeout(boot);
    signal.removeEventListener('abort', onAbort);
  }
}

function startQemu({ image, disks, console, accel, shell }: MachineOptions): ChildProcess {
  closeSync(openSync(console, 'w'));
  const drive = (path: string): string[] => [
    '-drive',
    // What the machine writes is gone with qemu: the image stays as it was built. It outlasts the machine's own restarts.
    `file=${path},format=raw,if=virtio,snapshot=on,cache=unsafe`,
  ];
  const args = [
    ...(accel === 'tcg' ? EMULATED : VIRTUAL),
    ...['-m', '2048'],
    ...['-display', 'none', '-monitor', 'none', '-nic', 'none', '-no-user-config', '-nodefaults'],
    ...['-serial', `file:${console}`],
    ...['-chardev', `stdio,id=port,signal=${shell ? 'off' : 'on'}`, '-serial', 'chardev:port'],
    ...drive(image.disk),
    ...drive(disks.project),
    ...drive(disks.data),
    ...['-kernel', image.kernel, '-initrd', image.initrd],
    ...[
      '-append',
      // No watchdog: what it takes for a lockup is a machine outside that has other things to do.
      'console=ttyS0 quiet mitigations=off nowatchdog audit=0 panic=-1 systemd.show_status=yes systemd.journald.forward_to_console=no',
    ],
  ];
  return spawn('qemu-system-x86_64', args, {
    stdio: shell ? 'inherit' : ['ignore', 'pipe', 'inherit'],
  });
}

function tail(path: string): string {
  return readFileSync(path, 'utf8').replaceAll('\r', '').split('\n').slice(-30).join('\n');
}
