import type { ServerResponse } from 'node:http';

const MAX_LINES = 1000;
const MAX_BYTES = 1024 * 1024;

/**
 * Server-sent events to one reader. What a slow reader has not taken waits here up to a bound; then new events are dropped and
 * counted, and a notice stands where they are missing. Accident: `ten logs -f` suspended with Ctrl-Z beside an app that floods.
 */
export class EventWriter {
  private readonly waiting: string[] = [];
  private waitingBytes = 0;
  private dropped = 0;
  private blocked = false;

  constructor(
    private readonly res: ServerResponse,
    /** The data of the event that tells how many are missing. */
    private readonly notice: (dropped: number) => string,
  ) {
    res.on('drain', () => this.flush());
  }

  /** True while the reader does not take what was written. */
  get isBlocked(): boolean {
    return this.blocked;
  }

  /** One event. `data` has no line end. */
  send(data: string): void {
    const event = `data: ${data}\n\n`;
    if (!this.blocked && this.waiting.length === 0) {
      this.write(event);
      return;
    }
    // Once something was dropped all is dropped until the reader catches up: one gap with one notice, in order.
    if (
      this.dropped > 0 ||
      this.waiting.length >= MAX_LINES ||
      this.waitingBytes + event.length > MAX_BYTES
    ) {
      this.dropped += 1;
      return;
    }
    this.waiting.push(event);
    this.waitingBytes += event.length;
  }

  /** A comment that readers ignore: keeps proxies between us from closing a silent stream. */
  heartbeat(): void {
    if (!this.blocked) this.write(': keep-alive\n\n');
  }

  private flush(): void {
    this.blocked = false;
    let sent = 0;
    for (const event of this.waiting) {
      if (this.blocked) break;
      this.write(event);
      this.waitingBytes -= event.length;
      sent += 1;
    }
    this.waiting.splice(0, sent);
    if (this.waiting.length === 0 && !this.blocked && this.dropped > 0) {
      const text = this.notice(this.dropped);
      this.dropped = 0;
      this.write(`data: ${text}\n\n`);
    }
  }

  private write(text: string): void {
    if (!this.res.write(text)) this.blocked = true;
  }
}
