/**
 * A client that sends at fixed times, whether or not earlier answers have come, and measures from the time at which a request
 * should have been sent. A client that waits for an answer before it sends again hides just the delays that matter
 * ("coordinated omission").
 */
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { report } from '../../lib/reporter.js';
import { quantile } from '../../lib/statistics.js';

const CONNECTIONS = 64;

/**
 * Wakes the event loop at each due time. Node's timers know whole milliseconds only, which is more than what is measured;
 * Atomics.wait in a thread of its own is exact to some ten microseconds.
 */
const TICKER = `
const { parentPort, workerData } = require('node:worker_threads');
const cell = new Int32Array(new SharedArrayBuffer(4));
const { begin, interval, count } = workerData;
for (let i = 0; i < count; i++) {
  const left = begin + i * interval - Number(process.hrtime.bigint()) / 1e6;
  if (left > 0) Atomics.wait(cell, 0, 0, left);
  parentPort.postMessage(i);
}
`;

export interface OpenLoopReport {
  readonly requests: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly clientLagP99: number;
}

const now = () => Number(process.hrtime.bigint()) / 1e6;

/** Reports once, when each request has its answer or 5 s have passed since the last was due. */
export async function openLoop(
  port: number,
  host: string,
  path: string,
  rate: number,
  seconds: number,
): Promise<void> {
  const interval = 1000 / rate;
  const count = Math.round(rate * seconds);
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const latencies: number[] = [];
  const lags: number[] = [];
  const free: Socket[] = [];
  /** Due times of requests that found no free connection. */
  const waiting: number[] = [];
  let errors = 0;
  let answered: () => void = () => {};

  const send = (socket: Socket, due: number) => {
    pending.set(socket, due);
    socket.write(request);
  };
  const pending = new Map<Socket, number>();
  const settle = () => {
    if (latencies.length + errors === count) answered();
  };
  const done = (socket: Socket) => {
    const due = pending.get(socket);
    if (due === undefined) return;
    pending.delete(socket);
    latencies.push(now() - due);
    const next = waiting.shift();
    if (next === undefined) free.push(socket);
    else send(socket, next);
    settle();
  };
  const open = () =>
    new Promise<void>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let text = '';
      socket.setEncoding('latin1').once('connect', () => {
        free.push(socket);
        resolve();
      });
      socket.on('data', (part: string) => {
        text += part;
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? Number.NaN);
        if (Number.isNaN(length) || !/^HTTP\/1.1 2/.test(text)) return socket.destroy();
        if (text.length < end + 4 + length) return;
        text = '';
        done(socket);
      });
      socket
        .on('error', () => {})
        .once('close', () => {
          // Its request has failed, or it was idle and the proxy closed it. Another takes its place.
          if (pending.delete(socket)) errors += 1;
          const at = free.indexOf(socket);
          if (at >= 0) free.splice(at, 1);
          settle();
          if (latencies.length + errors < count) setTimeout(() => void open(), 20);
        });
    });

  await Promise.all(Array.from({ length: CONNECTIONS }, open));
  const begin = now() + 100;
  const ticker = new Worker(TICKER, { eval: true, workerData: { begin, interval, count } });
  ticker.on('message', (index: number) => {
    const due = begin + index * interval;
    lags.push(now() - due);
    // The least recently used: all connections stay in use.
    const socket = free.shift();
    if (socket === undefined) waiting.push(due);
    else send(socket, due);
  });
  await new Promise<void>((resolve) => {
    answered = resolve;
    setTimeout(resolve, seconds * 1000 + 5000);
  });
  errors += count - latencies.length - errors;
  report({
    requests: count,
    errors,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    max: quantile(latencies, 1),
    clientLagP99: quantile(lags, 0.99),
  } satisfies OpenLoopReport);
  process.exit(0);
}
