/** What one run has measured, as --out writes it. */

/** Requests of the load tool over some seconds, and what the proxy used meanwhile. */
export interface ThroughputSample {
  readonly round: number;
  readonly proxy: string;
  /** Bytes of a response's body. */
  readonly size: number;
  readonly requests: number;
  readonly seconds: number;
  /** Microseconds of processor time of the proxy for one request. */
  readonly cpuMicros: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** MB. */
  readonly rss: number;
}

export interface TransferSample {
  readonly round: number;
  readonly proxy: string;
  readonly direction: 'down' | 'up';
  readonly bytes: number;
  readonly mbPerSecond: number;
  readonly cpuSeconds: number;
}

/** Resident memory in MB before, and the highest while the connections were there. */
export interface MemorySample {
  readonly proxy: string;
  readonly connections: number;
  readonly before: number;
  readonly during: number;
  /** Connections that the proxy had not closed at the end. */
  readonly stillOpen: number;
}

export interface LatencySample {
  readonly round: number;
  /** `direct`: without a proxy, what the machine and the instruments cause alone. */
  readonly proxy: string;
  readonly load: 'quiet' | 'busy';
  readonly requests: number;
  readonly errors: number;
  /** Milliseconds from the intended time of sending. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Milliseconds by which the client itself was late in sending, 99th percentile. */
  readonly clientLagP99: number;
}

/** What the supervisor had to do in a busy window. */
export interface ControlLoadSample {
  readonly round: number;
  readonly startsPerSecond: number;
  readonly failedStarts: number;
  /** Lines that were in `ten logs` at the end and not at the start, per second. */
  readonly logLinesPerSecond: number;
}

export interface BenchResults {
  readonly format: 1;
  /** ISO 8601. */
  readonly date: string;
  readonly machine: string;
  readonly quick: boolean;
  readonly versions: Readonly<Record<string, string>>;
  readonly rate: number;
  readonly throughput: ThroughputSample[];
  readonly transfers: TransferSample[];
  readonly slowReaders: MemorySample[];
  readonly idle: MemorySample[];
  readonly latency: LatencySample[];
  readonly controlLoad: ControlLoadSample[];
  /** What could not be measured, and why. */
  readonly skipped: string[];
}
