/**
 * Pure: the command line that starts an instance in nsjail, from the same description as bubblewrap's (sandbox-argv.ts). Options and keys are those of
 * nsjail's cmdline.cc, config.cc and config.proto; Debian has no package of it, and it has never been run.
 */
import { intoEnvironment, JOIN, type Launch } from './argv.js';
import type { FilterLoader } from './load-filter.js';
import { KEEP_NETWORK, ownNetwork } from './network/link.js';
import { quote } from './private-root.js';
import { PLACES_OPTIONS, SHM_OPTIONS, TMP_OPTIONS } from './root-plan.js';
import type { Sandboxed } from './sandbox-argv.js';
import type { View } from './visible.js';

export interface Jailed
  extends Omit<Sandboxed, 'filter' | 'forward' | 'tools' | 'identity' | 'limits' | 'builder' | 'ready'> {
  /** Shell code that sets resource limits; empty or ending in a line break. */
  readonly limits: string;
  readonly identity: { readonly uid: number; readonly gid: number };
  /** A user namespace is made, because the server is not root. */
  readonly unprivileged: boolean;
  /** nsjail only takes filters in a language of its own: ours is set by the command, as in the `namespace` backend. */
  readonly filter: FilterLoader;
  readonly tools: { readonly nsjail: string; readonly unshare: string };
}

/** Of Launch.inputs. */
const CONFIG = 7;
/** What the app's stderr waits on (argv.ts): nsjail's complaints belong in the log of the instance, and never into the report. */
const LOG = 4;

/**
 * Against defaults that are made for single runs of hostile programs and end a server: ten minutes of life, ten minutes of processor time, files of one
 * megabyte, 32 open files, 512 MB of address space (a JavaScript engine reserves more), the lowest priority. No resource limit is touched, soft or hard: what
 * the shell before has set holds, and an app may raise the number of its open files as far as with the other backends.
 */
const FOR_SERVERS = ['--time_limit', '0', '--disable_rlimits', '--nice_level', '0'];

/**
 * sh (joins, limits) -> nsjail (stays; drops) -> sh (pid 1: reaps, and ends with the app, which as pid 1 would not hear TERM) -> perl (filter)
 * -> sh (directory, home, environment) -> env -> command.
 */
export function nsjailLaunch(jailed: Jailed): Launch {
  const { tools, groups, limits, filter, link, socket } = jailed;
  const inner = intoEnvironment(jailed.command, jailed.env, {
    first: `[ -d ${quote(jailed.home)} ] || mkdir -p ${quote(jailed.home)} || exit 1; cd ${quote(jailed.directory)} || exit 1; `,
    socket,
  });
  return {
    file: '/bin/sh',
    args: [
      ...['-c', `umask 022\n${limits}${link === undefined ? 'exec 6>&-; ' : KEEP_NETWORK}${JOIN}`],
      ...['tenement', ...groups, ''],
      ...(link === undefined ? [] : ownNetwork(tools.unshare, link)),
      ...[tools.nsjail, '--config', `/dev/fd/${CONFIG}`, ...nsjailOptions(jailed), '--'],
      ...['/bin/sh', '-c', '"$@"; exit $?', 'tenement'],
      ...filter.command,
      ...inner.command,
    ],
    env: { ...inner.env, ...filter.env },
    reports: true,
    staysOpen: true,
    inputs: [Buffer.from(nsjailConfig(jailed))],
  };
}

export function nsjailOptions({ identity, unprivileged, network, link, hostname, socket }: Jailed): string[] {
  return [
    ...['-Mo', '--quiet', '--log_fd', String(LOG)],
    ...FOR_SERVERS,
    // Only what is on its way to the app, under names that no program on the way reads (argv.ts).
    '--keep_env',
    ...[3, LOG, ...(socket ? [5] : [])].flatMap((fd) => ['--pass_fd', String(fd)]),
    ...['--user', String(identity.uid), '--group', String(identity.gid)],
    // As root without a user namespace: what lies where the instance's user could not pass can then be shown to it.
    ...(unprivileged ? [] : ['--disable_clone_newuser']),
    // With a link to the outside its network is made before.
    ...(network === 'none' && link === undefined ? [] : ['--disable_clone_newnet']),
    ...(hostname === undefined ? [] : ['--hostname', hostname]),
  ];
}

/** Mounts, as text of config.proto: they would show the machine's paths in `ps`, and files of its own can only be given here. */
export function nsjailConfig({ system, views, files }: Jailed): string {
  return [
    'mount_proc: true',
    // Versions of before 2019 make none by themselves.
    'clone_newcgroup: true',
    ...system.directories.map((path) => bind(path, path, false, true)),
    ...[...system.targets].map(
      ([path, target]) => `mount { src: ${text(target)} dst: ${text(path)} is_symlink: true }`,
    ),
    ...system.files.map(({ path, source }) => bind(source, path, false, false)),
    ...system.devices.map((path) => bind(path, path, true, false)),
    ...files.map(({ path, text: content }) => `mount { dst: ${text(path)} src_content: ${text(content)} }`),
    tmpfs('/dev/shm', '1777', SHM_OPTIONS),
    tmpfs('/tmp', '1777', TMP_OPTIONS),
    `mount { src: ${text('../tmp')} dst: ${text('/var/tmp')} is_symlink: true }`,
    tmpfs('/run', '755', PLACES_OPTIONS),
    ...views.map(viewMount),
    '',
  ].join('\n');
}

function viewMount({ path, access, kind }: View): string {
  if (access !== 'hide') return bind(path, path, access === 'write', kind === 'directory');
  return kind === 'directory' ? tmpfs(path, '711', PLACES_OPTIONS) : bind('/dev/null', path, false, false);
}

function bind(source: string, path: string, writable: boolean, directory: boolean): string {
  return `mount { src: ${text(source)} dst: ${text(path)} is_bind: true rw: ${writable} is_dir: ${directory} }`;
}

function tmpfs(path: string, mode: string, options: string): string {
  return `mount { dst: ${text(path)} fstype: "tmpfs" options: ${text(`mode=${mode},${options}`)} rw: true is_bind: false }`;
}

/** A string of the text format of protocol buffers; what is not plain is written in octal. */
function text(value: string): string {
  const escaped = [...Buffer.from(value)].map((byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\${byte.toString(8).padStart(3, '0')}`,
  );
  return `"${escaped.join('')}"`;
}
