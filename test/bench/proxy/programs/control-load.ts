/** Keeps the supervisor busy: starts instances at a steady rate and stops each after a while. */
import { setTimeout as pause } from 'node:timers/promises';
import { report, untilFinish } from '../../lib/reporter.js';
import { call } from '../tenement.js';

/** Ids in turn; with a life of LIFE_MS and 20 starts a second some 15 of them run at a time. */
const IDS = 60;
const LIFE_MS = 500;

export interface ControlLoadReport {
  readonly started: number;
  readonly failed: number;
  readonly seconds: number;
}

/** Reports when the first are running, and at the end what it has started; by then all of them are stopped. */
export async function controlLoad(socket: string, perSecond: number): Promise<void> {
  let started = 0;
  let failed = 0;
  let next = 0;
  let ready: () => void = () => {};
  let lastError = '';
  const busy = new Set<string>();
  const lives = new Set<Promise<void>>();

  const live = async (id: string) => {
    busy.add(id);
    try {
      await call(socket, 'POST', '/api/instances/spawn', { process: 'burst', id });
      started += 1;
      if (started === 5) ready();
      await pause(LIFE_MS);
      await call(socket, 'DELETE', `/api/instances/${encodeURIComponent(`burst:${id}`)}`);
    } catch (error) {
      failed += 1;
      lastError = String(error);
      ready();
    } finally {
      busy.delete(id);
    }
  };
  const begun = performance.now();
  const timer = setInterval(() => {
    const id = `b${next++ % IDS}`;
    // Still in use: the server is behind, which shows in the rate.
    if (busy.has(id)) return;
    const life = live(id).finally(() => lives.delete(life));
    lives.add(life);
  }, 1000 / perSecond);
  await new Promise<void>((resolve) => {
    ready = resolve;
  });
  report({ running: started });
  await untilFinish();
  clearInterval(timer);
  const seconds = (performance.now() - begun) / 1000;
  const counted = started;
  await Promise.all(lives);
  if (failed > 0) process.stderr.write(`${lastError}\n`);
  report({ started: counted, failed, seconds } satisfies ControlLoadReport);
}
