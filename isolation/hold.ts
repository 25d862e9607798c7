/** One way to hold all processes of a run (freezer.ts chooses). */
export interface Hold {
  /** Resolves when all are held; early when the signal aborts, after which it holds nothing more. */
  hold(thawed: AbortSignal): Promise<void>;
  release(): Promise<void>;
  isHeld(): Promise<boolean>;
}
