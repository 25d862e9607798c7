/** What of the machine's system directories an isolated instance sees: looked at once, as it does not change while we run. */
import type { Dirent } from 'node:fs';
import { lstat, readdir, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';

export interface SystemView {
  /** Symlinks that exist in the same form: /bin -> usr/bin, /etc/localtime. */
  readonly links: readonly string[];
  /** What they say. */
  readonly targets: ReadonlyMap<string, string>;
  /** Directories to be seen read-only. */
  readonly directories: readonly string[];
  /** Files to be seen read-only, and where they really are. */
  readonly files: readonly { readonly path: string; readonly source: string }[];
  readonly devices: readonly string[];
}

const TOP = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** What programs and their libraries read: names, time, certificates, loader, fonts and the settings of languages. Nothing that is secret anywhere. */
const ETC = [
  ...['ld.so.cache', 'alternatives', 'nsswitch.conf', 'resolv.conf'],
  ...['gai.conf', 'localtime', 'timezone', 'services', 'protocols', 'mime.types', 'os-release'],
  ...['ssl', 'pki', 'ca-certificates', 'crypto-policies', 'fonts', 'terminfo'],
];
/** As /etc/java-17-openjdk. */
const ETC_PREFIXES = ['java', 'php', 'python', 'perl', 'ruby'];
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`);
const DEVICE_LINKS = ['fd', 'stdin', 'stdout', 'stderr'].map((name) => `/dev/${name}`);

let view: Promise<SystemView> | undefined;

export function systemView(): Promise<SystemView> {
  view ??= look();
  return view;
}

async function look(): Promise<SystemView> {
  const etc = await readdir('/etc', { withFileTypes: true }).catch((): Dirent[] => []);
  const wanted = etc
    .map(({ name }) => name)
    .filter((name) => ETC.includes(name) || ETC_PREFIXES.some((prefix) => name.startsWith(prefix)));
  const links: string[] = [];
  const targets = new Map<string, string>();
  const directories: string[] = [];
  const files: { path: string; source: string }[] = [];
  for (const path of [...TOP, ...wanted.map((name) => join('/etc', name)), ...DEVICE_LINKS]) {
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isDirectory()) directories.push(path);
    else if (stats?.isFile()) files.push({ path, source: path });
    else if (stats?.isSymbolicLink()) {
      const source = await realpath(path).catch(() => undefined);
      const staysInUsr = source?.startsWith('/usr/') || path.startsWith('/dev/');
      if (staysInUsr) {
        links.push(path);
        targets.set(path, await readlink(path));
      }
      // Its target would not be there: /etc/resolv.conf -> /run/systemd/resolve/stub-resolv.conf.
      else if (source !== undefined) files.push({ path, source });
    }
  }
  const devices = [];
  for (const path of DEVICES) if (await lstat(path).catch(() => undefined)) devices.push(path);
  return { links, targets, directories, files, devices };
}
