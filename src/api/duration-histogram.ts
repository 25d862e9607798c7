/** A Prometheus histogram by service whose counts come in sums: prom-client's own takes single observations only. */
export class DurationHistogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #rows = new Map<string, { counts: number[]; sum: number }>();

  /** `bounds`: upper bounds in seconds, ascending. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
  }

  /** `counts`: one number for each bound, each observation in one place only, and one more for what is above them all. */
  add(service: string, counts: readonly number[], sumSecs: number): void {
    let row = this.#rows.get(service);
    if (row === undefined) {
      row = { counts: new Array<number>(this.#bounds.length + 1).fill(0), sum: 0 };
      this.#rows.set(service, row);
    }
    for (let i = 0; i < row.counts.length; i += 1) row.counts[i] = (row.counts[i] ?? 0) + (counts[i] ?? 0);
    row.sum += sumSecs;
  }

  /** In the text format of Prometheus; names of services need no escaping. */
  render(): string {
    const name = this.#name;
    const lines = [`# HELP ${name} ${this.#help}`, `# TYPE ${name} histogram`];
    for (const [service, { counts, sum }] of this.#rows) {
      let total = 0;
      for (const [index, bound] of [...this.#bounds, '+Inf'].entries()) {
        total += counts[index] ?? 0;
        lines.push(`${name}_bucket{le="${bound}",service="${service}"} ${total}`);
      }
      lines.push(`${name}_sum{service="${service}"} ${sum}`, `${name}_count{service="${service}"} ${total}`);
    }
    return `${lines.join('\n')}\n`;
  }
}
