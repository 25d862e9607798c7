/** A Prometheus histogram whose counts come in sums: prom-client's own takes single observations only. */
export class DurationHistogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #groups: readonly number[];
  readonly #rows = new Map<string, { counts: number[]; sum: number }>();

  /**
   * `bounds`: upper bounds in seconds, ascending, of the buckets that are shown. `counted`: those of the counts that come, all of `bounds`
   * among them.
   */
  constructor(name: string, help: string, bounds: readonly number[], counted: readonly number[] = bounds) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
    const last = bounds.length;
    this.#groups = [...counted, Number.POSITIVE_INFINITY].map((bound) => {
      const shown = bounds.findIndex((one) => bound <= one);
      return shown === -1 ? last : shown;
    });
  }

  /**
   * `labels`: as they stand between the braces, without need of escaping. `counts`: one number for each counted bound, each observation in one
   * place only, and one more for what is above them all.
   */
  add(labels: string, counts: readonly number[], sumSecs: number): void {
    let row = this.#rows.get(labels);
    if (row === undefined) {
      row = { counts: new Array<number>(this.#bounds.length + 1).fill(0), sum: 0 };
      this.#rows.set(labels, row);
    }
    for (const [i, group] of this.#groups.entries())
      row.counts[group] = (row.counts[group] ?? 0) + (counts[i] ?? 0);
    row.sum += sumSecs;
  }

  remove(labels: string): void {
    this.#rows.delete(labels);
  }

  /** In the text format of Prometheus. */
  render(): string {
    const name = this.#name;
    const lines = [`# HELP ${name} ${this.#help}`, `# TYPE ${name} histogram`];
    for (const [labels, { counts, sum }] of this.#rows) {
      let total = 0;
      for (const [index, bound] of [...this.#bounds, '+Inf'].entries()) {
        total += counts[index] ?? 0;
        lines.push(`${name}_bucket{le="${bound}",${labels}} ${total}`);
      }
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${total}`);
    }
    return `${lines.join('\n')}\n`;
  }
}
