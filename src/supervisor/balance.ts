/** Which instance of a `balance` service gets a request. Pure. */

export interface Candidate {
  readonly id: string;
  /** 0-100; 0 takes no traffic. */
  readonly weight: number;
  readonly condition: 'ready' | 'waking' | 'asleep' | 'refused';
}

/**
 * By weight among those that are ready; when none is, among those on their way; then among the sleeping ones. Those that
 * would refuse at once come last, so that the caller is told why. `random` is in [0, 1).
 */
export function choose(candidates: readonly Candidate[], random: number): Candidate | undefined {
  const usable = candidates.filter((candidate) => candidate.weight > 0);
  for (const condition of ['ready', 'waking', 'asleep', 'refused'] as const) {
    const chosen = byWeight(
      usable.filter((candidate) => candidate.condition === condition),
      random,
    );
    if (chosen !== undefined) return chosen;
  }
  return undefined;
}

function byWeight(candidates: readonly Candidate[], random: number): Candidate | undefined {
  const total = candidates.reduce((sum, candidate) => sum + candidate.weight, 0);
  let left = random * total;
  for (const candidate of candidates) {
    left -= candidate.weight;
    if (left < 0) return candidate;
  }
  return candidates.at(-1);
}
