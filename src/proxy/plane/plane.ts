/** The main thread's side of the worker that carries all traffic. */
import { Worker } from 'node:worker_threads';
import type { Log } from '../../base/log.js';
import { afterRunning } from '../../base/running-time.js';
import type { Upstreams } from '../upstreams.js';
import type { FromWorker, ListenSpec, PlaneConfig, PlaneStart, Report, ToWorker } from './protocol.js';
import { relayLine } from './relay-log.js';
import { UpstreamsServer } from './upstreams-server.js';
import { fromWire } from './wire-error.js';

export interface PlaneOptions {
  readonly listen: readonly ListenSpec[];
  readonly config: PlaneConfig;
  readonly upstreams: Upstreams;
  readonly log: Log;
  /** Level of what the worker tells the server's log; default `warn`. */
  readonly logLevel?: string;
  readonly onReport: (report: Report) => void;
  /**
   * The worker died, and the sockets that this process inherited were closed with it: nobody here can open them again. Their number
   * may by now belong to something else, so it is not tried.
   */
  readonly onLost: () => void;
}

export interface Plane {
  /** Where it listens, with the ports that the system chose. */
  readonly addresses: readonly ListenSpec[];
  update(config: PlaneConfig): void;
  /** Opens the access log's file anew. */
  reopenLogs(): void;
  /** Instances of a service or their weights have changed. */
  redraw(service: string): void;
  /** An instance is about to be frozen: no connection to it is used again. Whoever is granted it later comes after this. */
  dropIdle(instance: string): void;
  /** Resolves when all that was counted so far has been given to `onReport`; bounded. */
  collect(): Promise<boolean>;
  /** Open requests and upgrades of an instance, as of the last report. */
  inFlight(instance: string): number;
  /**
   * Resolves when the requests have ended that are open now, which is cut short after `graceMs`. Meanwhile others are accepted and served, each as
   * the last one of its connection.
   */
  finishOpen(options: { readonly graceMs: number }): Promise<void>;
  /** Stops accepting, lets open requests end for at most `graceMs`, then ends what is left. Idempotent. */
  close(options: { readonly graceMs: number }): Promise<void>;
}

/** Waits between the deaths of a worker and the next one. */
const RESTART_MIN_MS = 50;
const RESTART_MAX_MS = 5000;
/** A worker that lived so long died of something new. */
const SETTLED_MS = 60_000;
/** How long a worker has for its end beyond the grace. */
const CLOSE_EXTRA_MS = 3000;
/** Requests leave short-lived objects only: a larger nursery takes memory and, measured, saves no time. */
const YOUNG_MB = 8;
/** Longest wait of `collect`: a scrape gets older numbers then. */
const COLLECT_MS = 1000;

/**
 * Starts the worker and resolves when it listens. A worker that dies is replaced; instances go on, connections through it are lost.
 * @throws TenementError `listen_failed`
 */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  const plane = new WorkerPlane(options);
  await plane.start();
  return plane;
}

class WorkerPlane implements Plane {
  addresses: readonly ListenSpec[];
  readonly #options: PlaneOptions;
  #config: PlaneConfig;
  #worker: Worker | undefined;
  #inFlight: ReadonlyMap<string, number> = new Map();
  readonly #collecting = new Map<number, (answered: boolean) => void>();
  #lastCollect = 0;
  #restartMs = RESTART_MIN_MS;
  #restart: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: PlaneOptions) {
    this.#options = options;
    this.#config = options.config;
    this.addresses = options.listen;
  }

  inFlight(instance: string): number {
    return this.#inFlight.get(instance) ?? 0;
  }

  update(config: PlaneConfig): void {
    this.#config = config;
    this.#post({ type: 'config', config });
  }

  reopenLogs(): void {
    this.#post({ type: 'reopen' });
  }

  redraw(service: string): void {
    this.#post({ type: 'redraw', service });
  }

  dropIdle(instance: string): void {
    this.#post({ type: 'frozen', instance });
  }

  async collect(): Promise<boolean> {
    if (this.#worker === undefined) return false;
    this.#lastCollect += 1;
    const id = this.#lastCollect;
    const answered = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, COLLECT_MS, false);
      this.#collecting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.#post({ type: 'collect', id });
    });
    this.#collecting.delete(id);
    return answered;
  }

  /** Runs a worker until it listens; from then on its end is followed by another one. */
  start(): Promise<void> {
    const started = performance.now();
    const data: PlaneStart = { config: this.#config, logLevel: this.#options.logLevel ?? 'warn' };
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      name: 'tenement-data-plane',
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
      workerData: data,
    });
    this.#worker = worker;
    const server = new UpstreamsServer(this.#options.upstreams, (message) => worker.postMessage(message));
    return new Promise((resolve, reject) => {
      let listening = false;
      let failure: unknown;
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'listening') {
          listening = true;
          this.addresses = message.addresses;
          resolve();
        } else if (message.type === 'listen-failed') {
          failure = fromWire(message.error);
          void worker.terminate();
        } else this.#receive(message, server);
      });
      worker.on('error', (error) => {
        failure = error;
      });
      worker.once('exit', (code) => {
        server.close();
        this.#onExit(worker);
        if (!listening) reject(failure ?? new Error(`the worker ended with code ${code}`));
        else if (this.#closing === undefined) {
          this.#options.log.error({ err: failure, code }, 'the worker that carries the traffic died');
          if (performance.now() - started > SETTLED_MS) this.#restartMs = RESTART_MIN_MS;
          if (this.#options.listen.some(({ kind }) => kind === 'fd')) this.#options.onLost();
          else this.#startLater();
        }
      });
      this.#post({ type: 'listen', addresses: this.addresses });
    });
  }

  finishOpen({ graceMs }: { readonly graceMs: number }): Promise<void> {
    const worker = this.#worker;
    return worker === undefined
      ? Promise.resolve()
      : told(worker, { type: 'finish', graceMs }, 'finished', graceMs);
  }

  close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    await told(worker, { type: 'close', graceMs }, 'closed', graceMs);
    await worker.terminate();
  }

  #receive(message: FromWorker, server: UpstreamsServer): void {
    if (message.type === 'report') {
      this.#inFlight = message.report.inFlight;
      this.#options.onReport(message.report);
    } else if (message.type === 'reported') this.#collecting.get(message.id)?.(true);
    else if (message.type === 'log') relayLine(message.line, this.#options.log);
    else server.receive(message);
  }

  #onExit(worker: Worker): void {
    if (this.#worker === worker) this.#worker = undefined;
    this.#inFlight = new Map();
    for (const done of this.#collecting.values()) done(false);
  }

  #startLater(): void {
    this.#restart = setTimeout(() => {
      this.start().then(
        () => this.#options.log.info('a new worker carries the traffic'),
        (err: unknown) => {
          if (this.#closing !== undefined) return;
          this.#options.log.error({ err }, 'the worker that carries the traffic cannot be started again');
          this.#startLater();
        },
      );
    }, this.#restartMs);
    this.#restartMs = Math.min(RESTART_MAX_MS, this.#restartMs * 2);
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }
}

/** Resolves with the answer, with the end of the worker, or when that takes longer than `graceMs` and a little. */
function told(worker: Worker, message: ToWorker, answer: FromWorker['type'], graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      worker.off('exit', done).off('message', onMessage);
      resolve();
    };
    const onMessage = ({ type }: FromWorker) => {
      if (type === answer) done();
    };
    const cancel = afterRunning(graceMs + CLOSE_EXTRA_MS, done);
    worker.on('exit', done).on('message', onMessage);
    worker.postMessage(message);
  });
}
