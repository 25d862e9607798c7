/** What may have been meant. Pure. */
import { distance } from 'fastest-levenshtein';

/**
 * The known word that is nearest to one that is not known. At most a third of the letters may differ, or `least` of them in a short word:
 * further away, a suggestion is noise.
 */
export function nearest(word: string, known: readonly string[], least = 2): string | undefined {
  let best: string | undefined;
  let smallest = Math.max(least, Math.ceil(word.length / 3)) + 1;
  for (const candidate of known) {
    const far = distance(word, candidate);
    if (far < smallest && far < Math.max(word.length, candidate.length)) {
      best = candidate;
      smallest = far;
    }
  }
  return best;
}

/** What to try instead of a service that there is not. */
export function servicesHint(name: string, services: readonly string[]): string {
  if (services.length === 0) return 'The config has no service: `ten init` writes one with a service.';
  const meant = nearest(name, services);
  return `${meant === undefined ? '' : `Did you mean "${meant}"? `}The services are: ${services.join(', ')}.`;
}
