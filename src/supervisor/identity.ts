/** Which uid and gid an instance runs as. */
import { execa } from 'execa';
import type { Host, Identity } from '../../isolation/contract.js';
import { TenementError } from '../base/errors.js';
import type { InstanceKey } from '../base/names.js';
import type { Registry } from '../state/types.js';

/**
 * "" -> undefined (the server's own user); a name -> that user; "auto" -> a uid of its own, recorded and never given to another
 * instance while data of it may exist.
 * @throws TenementError isolation_unavailable (not root, no setpriv), start_failed (no such user), uids_exhausted
 */
export async function identityFor(
  user: string,
  key: InstanceKey,
  uidRange: readonly [number, number],
  host: Host,
  registry: Registry,
): Promise<Identity | undefined> {
  if (user === '') return undefined;
  // Looked up first: that a name is misspelt is so whether or not this server could give the user.
  const named = user === 'auto' ? undefined : await lookUp(user);
  if (!host.root || host.tools.setpriv === undefined) {
    const lacks = host.root
      ? 'the tool setpriv (package util-linux) was not found'
      : 'the server does not run as root';
    throw new TenementError('isolation_unavailable', `user = "${user}" cannot be given: ${lacks}`, {
      hint: 'Run the server as root on Linux, or remove `user` from the service.',
    });
  }
  if (named !== undefined) return named;
  const uid = registry.uidFor(key, uidRange);
  return { uid, gid: uid, exclusive: true };
}

/** On the way of every start, hence both questions at once. */
async function lookUp(user: string): Promise<Identity> {
  const [uid, gid] = await Promise.all([idOf(user, '-u'), idOf(user, '-g')]);
  return { uid, gid };
}

/** id(1) asks the system's own user database, whatever is behind it (files, LDAP ...). */
async function idOf(user: string, flag: '-u' | '-g'): Promise<number> {
  const result = await execa('id', [flag, '--', user], { reject: false });
  const id = Number(result.stdout);
  if (result.exitCode !== 0 || !Number.isInteger(id)) {
    throw new TenementError('start_failed', `there is no user "${user}" on this machine`, {
      hint: 'Create the user, or use `user = "auto"`.',
    });
  }
  return id;
}
