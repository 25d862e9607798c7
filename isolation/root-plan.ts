/** Pure: what the root of an isolated instance consists of. */
import { dirname } from 'node:path';
import type { Identity } from './contract.js';
import { isWithin } from './interpreter.js';
import { type Mount, NEW_ROOT, type RootPlan } from './private-root.js';
import type { SystemView } from './system-view.js';
import type { View } from './visible.js';

export interface RootInput {
  readonly system: SystemView;
  readonly views: readonly View[];
  readonly identity: Identity | undefined;
  readonly home: string;
  readonly hostname: string | undefined;
  /** Contents of the machine's /etc/hosts. */
  readonly hosts: string;
  /** Contents of its own /etc/resolv.conf; undefined: the machine's is seen. */
  readonly resolvConf?: string | undefined;
  /** In a user namespace: the instance's processes are then root in there, and own what is mounted. */
  readonly unprivileged: boolean;
}

/** Bytes; counted as the instance's memory while used. */
export const TMP_BYTES = 512 << 20;
export const SHM_BYTES = 128 << 20;
/**
 * Files and directories that each of these takes: the kernel's default is as many as it has pages for, and an empty one takes its memory without taking
 * any of the size. `options` of tmpfs(5).
 */
export const TMP_OPTIONS = `size=${TMP_BYTES},nr_inodes=100k`;
export const SHM_OPTIONS = `size=${SHM_BYTES},nr_inodes=100k`;
/** For what holds places of mounts only. */
export const PLACES_OPTIONS = 'size=64k,nr_inodes=1k';
const RESOLV_CONF = '/etc/resolv.conf';
const PLACES = ['/dev', '/etc'];
const NO_SUID = ['nosuid', 'nodev'];
/** Makes the directory that it is mounted on (capital X: not written to utab). */
const MAKE = 'X-mount.mkdir';

export function planRoot(input: RootInput): RootPlan {
  const { views, unprivileged } = input;
  const system = withoutResolvConf(input.system, input.resolvConf);
  // The kernel refuses an unprivileged bind mount that would show what another mount covers, so it has to be a recursive one.
  const bind = unprivileged ? 'rbind' : 'bind';
  const readOnly = [bind, 'ro', ...NO_SUID];
  // In a directory that is visible, the place exists already.
  const alone = (path: string): boolean =>
    !views.some((view) => view.path !== path && isWithin(path, view.path));
  const filePlaces = views.filter(
    ({ kind, path, access }) => kind === 'file' && access !== 'hide' && alone(path),
  );
  const mounts: Mount[] = [
    ...system.directories.map((path) => bindMount(path, [...readOnly, MAKE])),
    ...system.files.map(({ path, source }) => bindMount(path, readOnly, source)),
    fresh('tmpfs', '/tmp', ['mode=1777', TMP_OPTIONS, ...NO_SUID]),
    bindMount('/var/tmp', ['bind', MAKE], `${NEW_ROOT}/tmp`),
    fresh('tmpfs', '/run', ['mode=755', PLACES_OPTIONS, ...NO_SUID]),
    fresh('tmpfs', '/dev/shm', ['mode=1777', SHM_OPTIONS, ...NO_SUID]),
    ...system.devices.map((path) => bindMount(path, ['bind', 'nosuid', 'noexec'])),
    fresh('devpts', '/dev/pts', ['newinstance', 'ptmxmode=0666', 'mode=620', 'nosuid', 'noexec']),
    // The table of mounts lies under it.
    bindMount('/dev/ptmx', ['bind'], `${NEW_ROOT}/dev/pts/ptmx`),
    // Others' processes are not even listed (2 is "invisible").
    fresh('proc', '/proc', ['nosuid', 'nodev', 'noexec', 'hidepid=2']),
    ...views.map((view) => viewMount(view, bind, readOnly)),
  ];
  return {
    mounts,
    directories: [...new Set([...PLACES, ...filePlaces.map(({ path }) => dirname(path))])],
    links: system.links,
    files: [
      ...[
        '/dev/ptmx',
        ...system.devices,
        ...system.files.map(({ path }) => path),
        ...filePlaces.map(({ path }) => path),
      ].map((path) => ({ path, text: '' })),
      ...ownFiles(input),
    ],
    hostname: input.hostname,
    seal: unprivileged || input.identity === undefined,
  };
}

/** Files of /etc that every instance has for itself. */
export function ownFiles(
  input: Pick<RootInput, 'identity' | 'home' | 'unprivileged' | 'hosts' | 'hostname' | 'resolvConf'>,
): { path: string; text: string }[] {
  return [
    { path: '/etc/passwd', text: passwd(input) },
    { path: '/etc/group', text: group(input) },
    { path: '/etc/hosts', text: hosts(input) },
    ...(input.resolvConf === undefined ? [] : [{ path: RESOLV_CONF, text: input.resolvConf }]),
  ];
}

/** With one of its own, the machine's is not shown. */
export function withoutResolvConf(system: SystemView, own: string | undefined): SystemView {
  if (own === undefined) return system;
  return { ...system, files: system.files.filter(({ path }) => path !== RESOLV_CONF) };
}

function bindMount(target: string, options: readonly string[], source = target): Mount {
  return { source, target, type: 'none', options };
}

function fresh(type: string, target: string, options: readonly string[]): Mount {
  return { source: type, target, type, options: [...options, MAKE] };
}

function viewMount({ path, access, kind }: View, bind: string, readOnly: readonly string[]): Mount {
  const make = kind === 'directory';
  // Directories that lead to data can be entered and not listed, as on the machine itself.
  if (access === 'write') return bindMount(path, [bind, ...NO_SUID, ...(make ? [`${MAKE}=0711`] : [])]);
  if (access === 'read') return bindMount(path, [...readOnly, ...(make ? [MAKE] : [])]);
  // An empty directory, in which the places of the instance's own directories can still be made; a device that may not be opened.
  if (make) return fresh('tmpfs', path, ['mode=711', PLACES_OPTIONS, ...NO_SUID, 'noexec']);
  return bindMount(path, ['bind', 'ro', ...NO_SUID, 'noexec'], '/dev/null');
}

/** Own accounts only: who else has one on this machine is nobody's business, and many programs want to find a name for their uid. */
function passwd({
  identity,
  home,
  unprivileged,
}: Pick<RootInput, 'identity' | 'home' | 'unprivileged'>): string {
  const own = identity?.uid ?? 0;
  const isRoot = unprivileged || own === 0;
  const lines = [
    `root:x:0:0:root:${isRoot ? home : '/'}:/bin/sh`,
    ...(isRoot ? [] : [`app:x:${own}:${identity?.gid ?? own}:app:${home}:/bin/sh`]),
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
  ];
  return `${lines.join('\n')}\n`;
}

function group({ identity }: Pick<RootInput, 'identity'>): string {
  const lines = [
    'root:x:0:',
    ...(identity === undefined || identity.gid === 0 ? [] : [`app:x:${identity.gid}:`]),
    'nogroup:x:65534:',
  ];
  return `${lines.join('\n')}\n`;
}

/** A program that looks its own host name up (Java does) must not wait for the network to say no. */
function hosts({ hosts: text, hostname }: Pick<RootInput, 'hosts' | 'hostname'>): string {
  return hostname === undefined ? text : `${text.replace(/\n?$/, '\n')}127.0.1.1 ${hostname}\n`;
}
