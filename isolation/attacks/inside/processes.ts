import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { attempt, first, type Result, type Targets } from './attempt.js';

export function processAttacks(targets: Targets): Record<string, Result> {
  const pids = (() => {
    try {
      return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    } catch {
      return [];
    }
  })();
  const contains = (file: string, text: string): Result =>
    first(pids, (pid) =>
      attempt(() =>
        readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(text) ? `process ${pid}` : false,
      ),
    );
  return {
    'foreign-processes': contains('cmdline', targets.serverMark),
    'sibling-command': contains('cmdline', targets.siblingMark),
    'sibling-environment': contains('environ', [...targets.siblingSecret].reverse().join('')),
    // It may see the environment that is its own, on its way to it, and its own root.
    'init-environment': attempt(() => {
      const entries = readFileSync('/proc/1/environ', 'latin1').split('\0');
      return entries.find((entry) => entry !== '' && !/^(TENEMENT_|PWD=|PATH=)/.test(entry))?.split('=')[0];
    }),
    'init-root': attempt(() => {
      const own = readdirSync('/');
      return readdirSync('/proc/1/root').find((name) => !own.includes(name));
    }),
    // Signal 0 only asks whether one could. (To -1, to all, it says nothing: the kernel answers that with success, whether one could or not.)
    'sibling-signal': first(targets.siblingPids, (pid) =>
      attempt(() => (process.kill(pid, 0) ? `process ${pid}` : false)),
    ),
    'sibling-memory': first(targets.siblingPids, (pid) =>
      attempt(() => (readFileSync(`/proc/${pid}/maps`).length > 0 ? `process ${pid}` : false)),
    ),
    'inherited-descriptors': first(readdirSync('/proc/self/fd'), (fd) =>
      attempt(() => {
        const target = readlinkSync(`/proc/self/fd/${fd}`);
        const known = /^\/(dev\/null|dev\/urandom|proc\/|usr\/)/.test(target);
        return target.startsWith('/') && !known && Number(fd) > 2 ? target : false;
      }),
    ),
  };
}

/** A session of its own, no parent, a fresh environment, deaf to TERM. It ends by itself after half a minute. */
export function outlive(targets: Targets): void {
  const inner = `trap "" TERM HUP INT; i=0; while [ $i -lt 30 ]; do sleep 1; i=$((i + 1)); done; : ${targets.outliveMark}`;
  spawn('/bin/sh', ['-c', `(setsid /bin/sh -c '${inner}' &) ; exit 0`], {
    detached: true,
    stdio: 'ignore',
    env: { PATH: '/usr/bin:/bin' },
  })
    .on('error', () => undefined)
    .unref();
}
