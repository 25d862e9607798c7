import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { errnoOf, TenementError } from '../base/errors.js';

const FILE = 'tenement.toml';
const SYSTEM_FILE = '/etc/tenement/tenement.toml';

interface FindOptions {
  /** From --config; a file, or a directory that has a tenement.toml. */
  readonly explicit?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/**
 * Where the configuration is: --config, TENEMENT_CONFIG, the working directory and upwards, /etc/tenement.
 * A file that was named but is not there is an error, never a reason to take another one.
 * @returns an absolute path.
 * @throws TenementError `config_not_found`.
 */
export function findConfig({ explicit, env, cwd }: FindOptions): string {
  const named = explicit ?? (env.TENEMENT_CONFIG || undefined);
  if (named !== undefined) {
    const path = resolve(cwd, named);
    for (const candidate of [join(path, FILE), path]) if (existsSync(candidate)) return candidate;
    throw new TenementError('config_not_found', `There is no configuration at ${path}`, {
      hint: `It was named by ${explicit === undefined ? 'TENEMENT_CONFIG' : '--config'}; \`ten init\` writes a new one.`,
    });
  }
  const here = findHere(cwd);
  if (here !== undefined) return here;
  if (existsSync(SYSTEM_FILE)) return SYSTEM_FILE;
  throw new TenementError(
    'config_not_found',
    `No ${FILE} was found in ${resolve(cwd)}, in the directories above it, or at ${SYSTEM_FILE}`,
  );
}

/** In that directory or above it. */
export function findHere(cwd: string): string | undefined {
  for (let dir = resolve(cwd); ; dir = dirname(dir)) {
    const candidate = join(dir, FILE);
    if (existsSync(candidate)) return candidate;
    if (dir === dirname(dir)) return undefined;
  }
}

/**
 * Reads a configuration file, after making sure that nobody but its owner and root could have written it: what it
 * says is run as the server's user, often root. Checked on the open file, so that it can't be exchanged in between.
 * @throws TenementError `config_not_found`, `config_unsafe`.
 */
export function readOwnedFile(path: string, self = process.geteuid?.()): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a FIFO must not make us wait
  } catch (error) {
    const because = errnoOf(error) === 'ENOENT' ? 'there is no such file' : (errnoOf(error) ?? 'error');
    throw new TenementError('config_not_found', `${path} can't be read: ${because}`, { cause: error });
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new TenementError('config_not_found', `${path} is not a file`);
    const reason = unsafeReason(stats, self);
    if (reason !== undefined)
      throw new TenementError('config_unsafe', `${path} is not safe to use: ${reason}`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/**
 * Why a file must not be trusted, or undefined. A group's write permission counts as the owner's own when the group has
 * the owner's number: distributions with a umask of 002 give each user a private group (the rule of pam_umask(8), usergroups).
 */
export function unsafeReason(
  stats: Pick<Stats, 'uid' | 'gid' | 'mode'>,
  self: number | undefined,
): string | undefined {
  if (self !== undefined && stats.uid !== 0 && stats.uid !== self) {
    return `it belongs to the user with id ${stats.uid}, neither to you (${self}) nor to root`;
  }
  if ((stats.mode & 0o002) !== 0) return 'everybody can write it';
  const privateGroup = stats.gid === stats.uid && stats.gid !== 0;
  if ((stats.mode & 0o020) !== 0 && !privateGroup) return 'its group can write it';
  return undefined;
}
