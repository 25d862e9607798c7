import type { Colors } from './output.js';

/** The word of `ten health`, in its colour. */
export function healthColor(word: string, colors: Colors): string {
  switch (word) {
    case 'healthy':
      return colors.green(word);
    case 'degraded':
    case 'starting':
      return colors.yellow(word);
    case 'unhealthy':
    case 'failed':
      return colors.red(word);
    default:
      return colors.dim(word);
  }
}
