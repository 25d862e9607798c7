/**
 * A name for an instance's uid, so that systemd takes it as User=, which refuses a uid that nothing knows: a record for nss-systemd
 * (nss-systemd(8), "Configuration in /etc/nsswitch.conf"; userdbd's drop-in directories) that is there while the instance is. On tmpfs: nothing of
 * it is left on the machine.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity } from '../contract.js';

const RECORDS = '/run/userdb';

/** Says nothing of the customer: everybody on the machine can read it. */
export function userName({ uid }: Pick<Identity, 'uid'>): string {
  return `tenement-${uid}`;
}

/** Only for an identity that is the instance's alone. Idempotent. */
export async function addUser(identity: Identity): Promise<void> {
  const { uid, gid } = identity;
  const name = userName(identity);
  const user = {
    userName: name,
    uid,
    gid,
    realName: 'an instance of tenement',
    homeDirectory: '/',
    shell: '/usr/sbin/nologin',
    disposition: 'dynamic',
    locked: true,
  };
  await mkdir(RECORDS, { recursive: true, mode: 0o755 });
  await put(`${name}.user`, user, `${uid}.user`);
  await put(`${name}.group`, { groupName: name, gid, disposition: 'dynamic' }, `${gid}.group`);
}

/** Whether a uid is that of an instance which is a unit, or may become one with the next connection; of any server. */
export function hasUser({ uid }: Pick<Identity, 'uid'>): boolean {
  return existsSync(join(RECORDS, `${uid}.user`));
}

/** Idempotent. */
export async function removeUser(identity: Identity): Promise<void> {
  const name = userName(identity);
  const files = [`${identity.uid}.user`, `${identity.gid}.group`, `${name}.user`, `${name}.group`];
  for (const file of files) await rm(join(RECORDS, file), { force: true });
}

/** The second name is what it is found by when only the number is known. Whoever looks it up meanwhile finds it whole. */
async function put(file: string, record: Record<string, unknown>, number: string): Promise<void> {
  await replace(file, (path) => writeFile(path, `${JSON.stringify(record)}\n`, { mode: 0o644 }));
  await replace(number, (path) => symlink(file, path));
}

async function replace(name: string, make: (path: string) => Promise<void>): Promise<void> {
  const path = join(RECORDS, name);
  const next = `${path}~${process.pid}`;
  await rm(next, { force: true });
  await make(next);
  await rename(next, path);
}
