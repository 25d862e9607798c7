/** Pure: what the root of an isolated instance consists of. */
import { dirname } from 'node:path';
import type { Identity } from './contract.js';
import { isWithin } from './interpreter.js';
import type { Mount, RootPlan } from './private-root.js';
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
  /** In a user namespace: the instance's processes are then root in there, and own what is mounted. */
  readonly unprivileged: boolean;
}

/** Bytes; counted as the instance's memory while used. */
const TMP_SIZE = 'size=512m';
const SHM_SIZE = 'size=128m';
const PLACES = ['/proc', '/dev/pts', '/dev/shm', '/etc', '/run', '/tmp', '/var/tmp'];
const NO_SUID = ['nosuid', 'nodev'];
/** Makes the directory that it is mounted on (capital X: not written to utab). */
const MAKE = 'X-mount.mkdir';

export function planRoot(input: RootInput): RootPlan {
  const { system, views, unprivileged } = input;
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
    ...system.directories.map((path) => ({
      source: path,
      target: path,
      type: 'none',
      options: [...readOnly, MAKE],
    })),
    ...system.files.map(({ path, source }) => ({ source, target: path, type: 'none', options: readOnly })),
    { source: 'tmpfs', target: '/tmp', type: 'tmpfs', options: ['mode=1777', TMP_SIZE, ...NO_SUID] },
    { source: '/sys/tmp', target: '/var/tmp', type: 'none', options: ['bind'] },
    { source: 'tmpfs', target: '/dev/shm', type: 'tmpfs', options: ['mode=1777', SHM_SIZE, ...NO_SUID] },
    ...system.devices.map((path) => ({
      source: path,
      target: path,
      type: 'none',
      options: ['bind', 'nosuid', 'noexec'],
    })),
    {
      source: 'devpts',
      target: '/dev/pts',
      type: 'devpts',
      options: ['newinstance', 'ptmxmode=0666', 'mode=620', 'nosuid', 'noexec'],
    },
    { source: '/sys/dev/pts/ptmx', target: '/dev/ptmx', type: 'none', options: ['bind'] },
    ...views.map((view) => viewMount(view, bind, readOnly)),
    // Last: the table of mounts lies under it. Others' processes are not even listed (hidepid=2 is "invisible").
    { source: 'proc', target: '/proc', type: 'proc', options: ['nosuid', 'nodev', 'noexec', 'hidepid=2'] },
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
      { path: '/etc/passwd', text: passwd(input) },
      { path: '/etc/group', text: group(input) },
      { path: '/etc/hosts', text: hosts(input) },
    ],
    hostname: input.hostname,
    seal: unprivileged || input.identity === undefined,
  };
}

function viewMount({ path, access, kind }: View, bind: string, readOnly: readonly string[]): Mount {
  const make = kind === 'directory' ? [MAKE] : [];
  if (access === 'write')
    return { source: path, target: path, type: 'none', options: [bind, ...NO_SUID, ...make] };
  if (access === 'read') return { source: path, target: path, type: 'none', options: [...readOnly, ...make] };
  // An empty directory, in which the places of the instance's own directories can still be made; a device that may not be opened.
  if (kind === 'directory')
    return {
      source: 'tmpfs',
      target: path,
      type: 'tmpfs',
      options: ['mode=755', 'size=64k', ...NO_SUID, 'noexec'],
    };
  return { source: '/dev/null', target: path, type: 'none', options: ['bind', 'ro', ...NO_SUID, 'noexec'] };
}

/** Own accounts only: who else has one on this machine is nobody's business, and many programs want to find a name for their uid. */
function passwd({ identity, home, unprivileged }: RootInput): string {
  const own = identity?.uid ?? 0;
  const isRoot = unprivileged || own === 0;
  const lines = [
    `root:x:0:0:root:${isRoot ? home : '/'}:/bin/sh`,
    ...(isRoot ? [] : [`app:x:${own}:${identity?.gid ?? own}:app:${home}:/bin/sh`]),
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
  ];
  return `${lines.join('\n')}\n`;
}

function group({ identity }: RootInput): string {
  const lines = [
    'root:x:0:',
    ...(identity === undefined || identity.gid === 0 ? [] : [`app:x:${identity.gid}:`]),
    'nogroup:x:65534:',
  ];
  return `${lines.join('\n')}\n`;
}

/** A program that looks its own host name up (Java does) must not wait for the network to say no. */
function hosts({ hosts: text, hostname }: RootInput): string {
  return hostname === undefined ? text : `${text.replace(/\n?$/, '\n')}127.0.1.1 ${hostname}\n`;
}
