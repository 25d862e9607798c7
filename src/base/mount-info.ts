/** What is mounted where, by /proc/self/mountinfo (proc_pid_mountinfo(5)). Pure. */

export interface Mount {
  /** Which directory of the file system is what is mounted; `/` for all of it. */
  readonly root: string;
  /** Where it is mounted. */
  readonly point: string;
  /** `ext4`, `cgroup2`, `overlay` ... */
  readonly type: string;
  /** Of the mount and of the file system. */
  readonly options: readonly string[];
}

/** In the order of the text: what was mounted later lies over what was there. Lines that are none are left out. */
export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    // The number of optional fields before the lone hyphen varies.
    const [own = '', filesystem = ''] = line.split(' - ', 2);
    const [, , , root, point, options = ''] = own.split(' ');
    const [type, , ...superOptions] = filesystem.split(' ');
    if (root === undefined || point === undefined || !type) return [];
    return [
      {
        root: plain(root),
        point: plain(point),
        type,
        options: [...options.split(','), ...superOptions.join(' ').split(',')],
      },
    ];
  });
}

/** The mount that `path` (absolute, without links) is on; undefined when the text, /proc/self/mountinfo, has none. */
export function mountOf(path: string, mountinfo: string): Mount | undefined {
  let found: Mount | undefined;
  for (const mount of parseMounts(mountinfo)) {
    if (!covers(mount.point, path)) continue;
    // What was mounted later lies over what was there.
    if (found === undefined || mount.point.length >= found.point.length) found = mount;
  }
  return found;
}

const covers = (point: string, path: string) =>
  point === '/' || path === point || path.startsWith(`${point}/`);

/** Blanks, tabs, newlines and backslashes are written as \ooo. */
function plain(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
