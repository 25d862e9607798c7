/** Entry of the worker thread: all connections of visitors live here, on an event loop of their own. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/clock.js';
import { asTenementError } from '../../base/errors.js';
import { AccessEntries } from './access-entry.js';
import { type AccessLog, openAccessLog } from './access-log.js';
import { Counters } from './counters.js';
import { DataPath } from './data-path.js';
import { preferThisThread } from './priority.js';
import type { FromWorker, ListenSpec, PlaneConfig, PlaneStart, ToWorker } from './protocol.js';
import { relayedLog } from './relay-log.js';
import { RemoteUpstreams } from './remote-upstreams.js';
import { toWire } from './wire-error.js';

const REPORT_MS = 1000;

class DataPlane {
  readonly #port: MessagePort;
  readonly #log;
  readonly #upstreams: RemoteUpstreams;
  readonly #path: DataPath;
  readonly #counters = new Counters();
  readonly #entries = new AccessEntries(() => this.#config.trustedProxies);
  #config: PlaneConfig;
  #accessLog: AccessLog | undefined;
  /** The last report told of open requests, so that their end has to be told, too. */
  #toldOpen = false;

  constructor(port: MessagePort, start: PlaneStart) {
    this.#port = port;
    this.#config = start.config;
    this.#log = relayedLog(start.logLevel, (line) => this.#send({ type: 'log', line }));
    this.#upstreams = new RemoteUpstreams({
      send: (message) => this.#send(message),
      config: () => this.#config,
      clock: systemClock,
      onRetired: (instance) => this.#path.dropIdle(instance),
    });
    this.#openAccessLog();
    this.#path = new DataPath({
      upstreams: this.#upstreams,
      config: () => this.#config,
      log: this.#log,
      onRequestEnd: (end) => {
        // Our own pages are in the log, but are no traffic of any app.
        if (!end.own) this.#counters.add(end);
        this.#accessLog?.write(this.#entries.from(end, Date.now()));
      },
    });
    setInterval(() => this.#report(), REPORT_MS);
    port.on('message', (message: ToWorker) => this.#receive(message));
  }

  #send(message: FromWorker): void {
    this.#port.postMessage(message);
  }

  #receive(message: ToWorker): void {
    switch (message.type) {
      case 'config':
        this.#reconfigure(message.config);
        return;
      case 'listen':
        void this.#listen(message.addresses);
        return;
      case 'collect':
        this.#report();
        this.#send({ type: 'reported', id: message.id });
        return;
      case 'reopen':
        this.#accessLog?.reopen();
        return;
      case 'close':
        void this.#close(message.graceMs);
        return;
      case 'finish':
        void this.#path.finishOpen(message).then(() => this.#send({ type: 'finished' }));
        return;
      default:
        this.#upstreams.receive(message);
    }
  }

  async #listen(addresses: readonly ListenSpec[]): Promise<void> {
    try {
      this.#send({ type: 'listening', addresses: await this.#path.listen(addresses) });
    } catch (error) {
      this.#send({ type: 'listen-failed', error: toWire(asTenementError(error)) });
    }
  }

  #reconfigure(config: PlaneConfig): void {
    const before = JSON.stringify(this.#config.accessLog);
    this.#config = config;
    if (JSON.stringify(config.accessLog) === before) return;
    void this.#accessLog?.close();
    this.#openAccessLog();
  }

  #openAccessLog(): void {
    const { accessLog } = this.#config;
    this.#accessLog = accessLog === undefined ? undefined : openAccessLog(accessLog, this.#log);
  }

  #report(): void {
    const requests = this.#counters.take();
    const inFlight = this.#upstreams.inFlight();
    if (requests.length === 0 && inFlight.size === 0 && !this.#toldOpen) return;
    this.#toldOpen = inFlight.size > 0;
    this.#send({ type: 'report', report: { requests, inFlight } });
  }

  /** The main thread ends this one after `closed`. */
  async #close(graceMs: number): Promise<void> {
    await this.#path.close({ graceMs });
    this.#report();
    await this.#accessLog?.close();
    this.#send({ type: 'closed' });
  }
}

if (parentPort !== null) {
  preferThisThread();
  new DataPlane(parentPort, workerData as PlaneStart);
}
