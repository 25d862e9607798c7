/** Which mount a path is on, by /proc/self/mountinfo (proc_pid_mountinfo(5)). Pure. */

export interface Mount {
  /** Where it is mounted. */
  readonly point: string;
  /** `ext4`, `xfs`, `overlay` ... */
  readonly type: string;
  /** Of the mount and of the file system. */
  readonly options: readonly string[];
}

/** The mount that `path` (absolute, without links) is on; undefined when the text has none. */
export function mountOf(path: string, mountinfo: string): Mount | undefined {
  let found: Mount | undefined;
  for (const line of mountinfo.split('\n')) {
    const mount = parse(line);
    if (mount === undefined || !covers(mount.point, path)) continue;
    // What was mounted later lies over what was there.
    if (found === undefined || mount.point.length >= found.point.length) found = mount;
  }
  return found;
}

function parse(line: string): Mount | undefined {
  // The number of optional fields before the lone hyphen varies.
  const [own = '', filesystem = ''] = line.split(' - ', 2);
  const [, , , , point, options = ''] = own.split(' ');
  const [type, , ...superOptions] = filesystem.split(' ');
  if (point === undefined || type === undefined || type === '') return undefined;
  return {
    point: plain(point),
    type,
    options: [...options.split(','), ...superOptions.join(' ').split(',')],
  };
}

/** Blanks, tabs, newlines and backslashes are written as \ooo. */
function plain(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

const covers = (point: string, path: string) =>
  point === '/' || path === point || path.startsWith(`${point}/`);
