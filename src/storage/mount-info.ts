/** Which mount a path is on. Pure. */
import { type Mount, parseMounts } from '../base/mount-info.js';

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
