/** Who listens on a port. A program that is not the instance must never get its visitors' requests. */
import { open, stat } from 'node:fs/promises';
import type { Ref } from './contract.js';
import { pause } from './poll.js';
import { descendants, socketInodes } from './proc.js';
import type { Tree } from './tree.js';

const LISTEN = '0A';
/** The kernel fills at most a page at a time. */
const CHUNK = 4096;
/** With much memory to give back, on a busy machine. */
const CLOSING_MS = 250;
/** 127.0.0.1, 0.0.0.0, ::, ::1, ::ffff:127.0.0.1, ::ffff:0.0.0.0 as /proc/net/tcp{,6} writes them on little and big endian machines. */
const REACHED_BY_LOOPBACK = new Set([
  '0100007F',
  '7F000001',
  '00000000',
  '00000000000000000000000000000000',
  '00000000000000000000000001000000',
  '00000000000000000000000000000001',
  '0000000000000000FFFF00000100007F',
  '00000000000000000000FFFF7F000001',
  '0000000000000000FFFF000000000000',
  '00000000000000000000FFFF00000000',
]);

/** Inodes of the sockets that listen on `port` where a connection to loopback arrives. `table` is /proc/net/tcp or tcp6. */
export function listeningInodes(table: string, port: number): string[] {
  return rowsOf(table).flatMap(({ address, port: there, inode }) =>
    there === port && REACHED_BY_LOOPBACK.has(address) && inode ? [inode] : [],
  );
}

/** A socket that listens in the machine's network, at whatever address. */
export interface Listening {
  readonly port: number;
  /** Whose socket it is. */
  readonly uid: number;
}

/** Every socket that listens. `table` is /proc/net/tcp or tcp6. */
export function listeningSockets(table: string): Listening[] {
  return rowsOf(table).flatMap(({ port, uid }) => (Number.isInteger(uid) ? [{ port, uid }] : []));
}

/** The rows of what listens (proc_net_tcp: the second column is the address, the fourth the state, the eighth the uid, the tenth the inode). */
function rowsOf(table: string): (Listening & { address: string; inode: string | undefined })[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , uid, , inode] = line.trim().split(/\s+/);
    const [address = '', hex = ''] = local.split(':');
    const port = Number.parseInt(hex, 16);
    return state === LISTEN && Number.isInteger(port) ? [{ address, port, uid: Number(uid), inode }] : [];
  });
}

/** All that listens on this machine now; nothing where there is no /proc. */
export async function allListening(): Promise<Listening[]> {
  return (await tablesIn('/proc/net')).flatMap(listeningSockets);
}

/**
 * `own` only if every socket that listens there is held by the run: with SO_REUSEPORT a second program can share the port and would
 * get part of the connections.
 */
export async function listenerOf(port: number, ref: Ref, tree: Tree): Promise<'own' | 'stranger' | 'none'> {
  const first = await lookFor(port, ref, tree);
  if (first !== 'stranger') return first;
  // A process that is killed lets its descriptors go first, and its sockets a moment later: meanwhile they are nobody's.
  await pause(CLOSING_MS);
  return lookFor(port, ref, tree);
}

async function lookFor(port: number, ref: Ref, tree: Tree): Promise<'own' | 'stranger' | 'none'> {
  const inodes = (await tablesIn('/proc/net')).flatMap((table) => listeningInodes(table, port));
  if (inodes.length === 0) return 'none';
  // Mostly the main process or a child has it; only if not is the whole tree looked at, which may mean all of /proc.
  const near = await holdAll(inodes, await descendants(ref.pid));
  return near || (await holdAll(inodes, await tree.members())) ? 'own' : 'stranger';
}

/**
 * Whether the app listens on a port of its own network, in which nobody else is: whoever listens there is of the instance. That a connection to
 * the socket outside is accepted says nothing, as the forwarder accepts it. A process that is still on its way there (systemd gives its pid
 * before that) has the machine's network, and what listens there is a stranger's.
 */
export async function innerListenerOf(port: number, pid: number): Promise<'own' | 'none'> {
  const directory = `/proc/${pid}/net`;
  if (!(await isOtherNetwork(directory))) return 'none';
  const tables = await tablesIn(directory);
  return tables.some((table) => listeningInodes(table, port).length > 0) ? 'own' : 'none';
}

/** By the number of a file that each network has once: to compare /proc/PID/ns/net would take CAP_SYS_PTRACE. */
async function isOtherNetwork(directory: string): Promise<boolean> {
  const number = async (net: string) => (await stat(`${net}/tcp`).catch(() => undefined))?.ino;
  const there = await number(directory);
  return there !== undefined && there !== (await number('/proc/self/net'));
}

/** Of IPv4 and IPv6; empty what cannot be read. */
function tablesIn(directory: string): Promise<string[]> {
  return Promise.all(['tcp', 'tcp6'].map((name) => readListening(`${directory}/${name}`).catch(() => '')));
}

/**
 * The part of a table with the listening sockets, which the kernel writes first (tcp_ipv4.c, tcp_seq_start). The rest is not even
 * asked for: with tens of thousands of connections in TIME-WAIT it takes the kernel many milliseconds to write.
 */
async function readListening(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const chunk = Buffer.alloc(CHUNK);
    let text = '';
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK, null);
      text += chunk.toString('latin1', 0, bytesRead);
      if (bytesRead === 0 || beyondListening(text)) return text;
    }
  } finally {
    await file.close();
  }
}

/** Whether the last whole line is of a socket that does not listen. */
function beyondListening(text: string): boolean {
  const state = text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1)?.trim().split(/\s+/)[3];
  return state !== undefined && state !== LISTEN && state !== 'st';
}

async function holdAll(inodes: readonly string[], pids: readonly number[]): Promise<boolean> {
  const held = new Set((await Promise.all(pids.map(socketInodes))).flat());
  return inodes.every((inode) => held.has(inode));
}
