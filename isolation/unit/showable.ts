/** Pure: paths that systemd cannot show to a unit. */
import { TenementError } from '../../src/base/errors.js';
import type { View } from '../visible.js';

/** Since then a process of its own prepares a service, and reads what it is told of mounts with the quotes taken away (seen with 257). */
const WITHOUT_QUOTES = 255;

/** `version`: as systemd tells it, such as `257.9-1~deb13u1`. @throws TenementError `isolation_unavailable` */
export function refuseUnshowable(views: readonly Pick<View, 'path'>[], version = ''): void {
  const isAffected = Number.parseInt(version, 10) >= WITHOUT_QUOTES;
  const quoted = views.find(({ path }) => /['"]/.test(path));
  if (!isAffected || quoted === undefined) return;
  throw new TenementError(
    'isolation_unavailable',
    `systemd ${version} cannot show a path with a quote in it to a unit: ${quoted.path}`,
    { hint: 'Give it a name without quotes, or use `isolation = "namespace"` or "sandbox".' },
  );
}
