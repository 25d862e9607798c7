/** `t.teardown` for programs that tests or people run by themselves: the last thing that was made is undone first. */
export class ScriptTeardown {
  readonly #undo: (() => Promise<void> | void)[] = [];

  teardown(action: () => Promise<void> | void): void {
    this.#undo.push(action);
  }

  async run(): Promise<void> {
    for (const action of this.#undo.reverse()) await action();
  }
}
