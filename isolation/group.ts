/** Process groups: all that macOS has. A child that calls setsid leaves its group and is not found (the docs say so). */
import { execa } from 'execa';
import { errnoOf } from '../src/base/errors.js';
import { RUN_MARKER } from './proc.js';

/** Live pids of the group, by ps(1). */
export async function groupMembers(pgid: number): Promise<number[]> {
  const { stdout } = await execa('ps', ['-A', '-o', 'pid=,pgid=,stat='], { reject: false });
  return (stdout ?? '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, group, state]) => group === String(pgid) && !state?.startsWith('Z'))
    .map(([pid]) => Number(pid));
}

/** When `pid` was started, by ps(1); undefined when it does not live. */
export async function startTimeByPs(pid: number): Promise<string | undefined> {
  const { stdout } = await execa('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    reject: false,
    env: { LC_ALL: 'C' },
  });
  const match = /^\s*(\S+)\s+(.+?)\s*$/.exec(stdout ?? '');
  return match === null || match[1]?.startsWith('Z') ? undefined : match[2];
}

/** SIGKILL to all of the group; false when there is no such group. */
export function signalGroup(pgid: number): boolean {
  try {
    process.kill(-pgid, 'SIGKILL');
    return true;
  } catch (error) {
    // EPERM: what is left are zombies (macOS).
    return errnoOf(error) !== 'ESRCH';
  }
}

/** Pids of processes with the run's marker in their environment, as far as ps(1) shows it (macOS: our own, unprotected programs). */
export async function markedByPs(run: string): Promise<number[]> {
  const { stdout } = await execa('ps', ['-A', '-E', '-ww', '-o', 'pid=,command='], { reject: false });
  return (stdout ?? '')
    .split('\n')
    .filter((line) => line.split(' ').includes(`${RUN_MARKER}=${run}`))
    .map((line) => Number.parseInt(line, 10));
}
