/** Pure: what the disk that our own state is on does not let us do, by the code that SQLite or the system gives. */

export interface DiskTrouble {
  /** Completes "it cannot be written: ...". */
  readonly reason: string;
  readonly hint: string;
}

const FULL: DiskTrouble = {
  reason: 'the disk is full',
  hint: 'Free some space on the disk of the data directory; `df` and `df -i` show what is full.',
};
const READ_ONLY: DiskTrouble = {
  reason: 'the file system is read-only',
  hint: 'Mount the disk of the data directory writable again (`findmnt -T DIRECTORY` shows how it is mounted; the kernel does that after errors, see `dmesg`), or choose another `data_dir`.',
};
const BROKEN: DiskTrouble = {
  reason: 'the disk does not read or write',
  hint: 'See `dmesg` for errors of the disk of the data directory, and `df` for the space left.',
};

const BY_CODE: Readonly<Record<string, DiskTrouble>> = {
  ENOSPC: FULL,
  SQLITE_FULL: FULL,
  EDQUOT: { ...FULL, reason: 'the disk quota of this user is used up' },
  EROFS: READ_ONLY,
  SQLITE_READONLY: READ_ONLY,
  EIO: BROKEN,
  SQLITE_IOERR: BROKEN,
};

/** `code`: as errnoOf gives it. SQLite's extended codes begin with the simple one. Undefined: it is something else. */
export function diskTrouble(code: string | undefined): DiskTrouble | undefined {
  if (code === undefined) return undefined;
  return BY_CODE[code] ?? BY_CODE[/^SQLITE_[A-Z]+/.exec(code)?.[0] ?? ''];
}
