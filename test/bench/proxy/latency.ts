/**
 * Latency at a fixed rate, quiet and while the supervisor starts processes and takes in logs. Nothing is pinned here: what is
 * asked is how well requests are kept apart from the rest, on a machine as users have it. nginx and a client without any proxy
 * go through the same, to tell what of the difference is the machine's.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Reporter } from '../lib/reporter.js';
import { rotated } from './contestant.js';
import { PEERS } from './peers.js';
import type { ControlLoadReport } from './programs/control-load.js';
import { FLOOD_LINE } from './programs/flood.js';
import type { OpenLoopReport } from './programs/open-loop.js';
import type { ControlLoadSample, LatencySample } from './results.js';
import { type Setting, startOurs, startPeer, startUpstreams, upstreamIn } from './setting.js';
import { FILES_HOST, SMALL } from './sites.js';
import { call, LOG_LINES_PER_SECOND } from './tenement.js';

const STARTS_PER_SECOND = 20;
/** Of the instruments: what waits for a processor shall be the proxy and not they. */
const UPSTREAM_PRIORITY = 2;
const CLIENT_PRIORITY = 1;

export interface LatencyResults {
  readonly latency: LatencySample[];
  readonly controlLoad: ControlLoadSample[];
}

export async function measureLatency(
  setting: Setting,
  tell: (text: string) => void,
): Promise<LatencyResults> {
  const { processes, dir, options, programs } = setting;
  const realTime = await mayBeRealTime(setting);
  const prefix = realTime ? `chrt -f ${UPSTREAM_PRIORITY}` : '';
  const upstream = upstreamIn(setting, 'unpinned', prefix);
  const ports = await startUpstreams(setting, upstream, undefined);
  const ours = await startOurs(setting, {
    name: 'tenement-unpinned',
    upstream,
    prefix,
    log: false,
    cores: undefined,
  });
  const [nginx] = PEERS;
  if (nginx === undefined) throw new Error('no peer');
  const peer = await startPeer(setting, nginx, {
    name: 'nginx-unpinned',
    ports,
    log: false,
    cores: undefined,
  });
  const proxies = [
    { proxy: 'direct', port: ports.files },
    { proxy: 'nginx', port: peer.port },
    { proxy: 'tenement', port: ours.port },
  ];
  const latency: LatencySample[] = [];
  const controlLoad: ControlLoadSample[] = [];

  const measure = async (round: number, load: 'quiet' | 'busy', seconds: number) => {
    for (const { proxy, port } of rotated(proxies, round)) {
      const argv = [
        ...programs,
        'open-loop',
        ...[String(port), FILES_HOST, SMALL.path, String(options.rate), String(seconds)],
      ];
      const client = new Reporter(processes, argv, {
        cwd: dir,
        realTime: realTime ? CLIENT_PRIORITY : undefined,
      });
      const result = await client.next<OpenLoopReport>();
      await client.end();
      // Round -1 is for warming up.
      if (round < 0) continue;
      latency.push({ round, proxy, load, ...result });
      if (result.errors > 0) {
        setting.skipped.push(
          `latency, round ${round + 1}, ${load}, ${proxy}: ${result.errors} of ${result.requests} requests got no answer within ` +
            '5 s; the rate was too high for it, and its latencies say nothing',
        );
      }
      tell(
        `round ${round + 1}/${options.latencyRounds}  ${load}  ${proxy}  p99 ${result.p99.toFixed(2)} ms` +
          (result.errors > 0 ? `, ${result.errors} ERRORS` : ''),
      );
    }
  };
  /** Number of the newest line of this round's flood in `ten logs`. */
  const lastLine = async (id: string) => {
    const query = `process=flood&id=${id}&limit=1`;
    const [entry] = await call<{ message: string }[]>(ours.socket, 'GET', `/api/logs?${query}`);
    return Number(FLOOD_LINE.exec(entry?.message ?? '')?.[1] ?? 0);
  };

  await measure(-1, 'quiet', 1);
  for (let round = 0; round < options.latencyRounds; round++) {
    const id = `r${round}`;
    await measure(round, 'quiet', options.latencySeconds);
    await call(ours.socket, 'POST', '/api/instances/spawn', { process: 'flood', id });
    const starter = new Reporter(
      processes,
      [...programs, 'control-load', ours.socket, String(STARTS_PER_SECOND)],
      { cwd: dir },
    );
    try {
      await starter.next();
      const [fromLine, from] = [await lastLine(id), performance.now()];
      await measure(round, 'busy', options.latencySeconds);
      const [toLine, to] = [await lastLine(id), performance.now()];
      const { started, failed, seconds } = await starter.finish<ControlLoadReport>();
      const startsPerSecond = started / seconds;
      const logLinesPerSecond = ((toLine - fromLine) / (to - from)) * 1000;
      controlLoad.push({ round, startsPerSecond, failedStarts: failed, logLinesPerSecond });
      if (startsPerSecond < 0.9 * STARTS_PER_SECOND || logLinesPerSecond < 0.9 * LOG_LINES_PER_SECOND) {
        setting.skipped.push(
          `latency, round ${round + 1}: the load asked for was ${STARTS_PER_SECOND} starts and ${LOG_LINES_PER_SECOND} log lines ` +
            `a second, done were ${startsPerSecond.toFixed(1)} and ${logLinesPerSecond.toFixed(0)}`,
        );
      }
    } finally {
      await starter.end();
      await call(ours.socket, 'DELETE', `/api/instances/flood:${id}`);
    }
    // What the flood left is read to its end before the next quiet window.
    let seen = -1;
    for (let line = await lastLine(id); line !== seen; line = await lastLine(id)) {
      seen = line;
      await pause(300);
    }
  }
  return { latency, controlLoad };
}

async function mayBeRealTime({ processes, dir, skipped }: Setting): Promise<boolean> {
  try {
    await processes.run(['true'], { cwd: dir, realTime: CLIENT_PRIORITY });
    return true;
  } catch {
    skipped.push('latency: no real-time priority for the client here, its own waits count as latency');
    return false;
  }
}
