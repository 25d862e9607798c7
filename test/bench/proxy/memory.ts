/** Resident memory with many slow readers, and with many idle connections. */
import { setTimeout as pause } from 'node:timers/promises';
import { Reporter } from '../lib/reporter.js';
import { type Contestant, memoryOf } from './contestant.js';
import type { MemorySample } from './results.js';
import { LOAD_CORE, type Setting } from './setting.js';
import { FILES_HOST, READ_SLOWLY, SMALL } from './sites.js';

const HELD_MS = 4000;

export function measureSlowReaders(setting: Setting, contestants: readonly Contestant[]) {
  const { slowReaders } = setting.options;
  return eachInTurn(setting, contestants, 'slow-readers', READ_SLOWLY.path, slowReaders);
}

/** Fewer connections than asked for when this process may not have so many files, with the reason in `skipped`. */
export function measureIdle(setting: Setting, contestants: readonly Contestant[]) {
  const { idleConnections } = setting.options;
  const allowed = openFilesLimit() - 1000;
  if (allowed < idleConnections) {
    setting.skipped.push(
      `idle: ${allowed} connections instead of ${idleConnections}, by the limit on open files`,
    );
  }
  const count = Math.min(allowed, idleConnections);
  return eachInTurn(setting, contestants, 'idle-connections', SMALL.path, count);
}

async function eachInTurn(
  { processes, programs, dir, options }: Setting,
  contestants: readonly Contestant[],
  program: string,
  path: string,
  count: number,
): Promise<MemorySample[]> {
  const samples: MemorySample[] = [];
  for (const one of contestants) {
    const before = memoryOf(one);
    const clients = new Reporter(
      processes,
      [...programs, program, String(one.port), FILES_HOST, path, String(count)],
      { cwd: dir, cores: LOAD_CORE },
    );
    let during = before;
    let watching = true;
    const watch = async () => {
      while (watching) {
        during = Math.max(during, memoryOf(one));
        await pause(100);
      }
    };
    const watched = watch();
    try {
      await clients.next();
      await pause(options.quick ? HELD_MS / 4 : HELD_MS);
      const { open } = await clients.finish<{ open: number }>();
      samples.push({ proxy: one.name, connections: count, before, during, stillOpen: open });
    } finally {
      watching = false;
      await watched;
      await clients.end();
    }
  }
  return samples;
}

function openFilesLimit(): number {
  const limits = process.report.getReport() as unknown as {
    userLimits?: { open_files?: { hard: number | string } };
  };
  const hard = limits.userLimits?.open_files?.hard;
  return typeof hard === 'number' ? hard : Number.POSITIVE_INFINITY;
}
