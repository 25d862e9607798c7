import type { Instance } from '../api/protocol.js';

/** What has to happen for an instance that rests to run again, as a sentence. Pure. */
export function nextStart({ id, service, configured, want }: Instance): string {
  if (configured === false)
    return `The configuration has no service "${service}": nothing starts it. \`ten rm ${id}\` forgets it.`;
  if (want === 'disabled') return `Requests get 503 until \`ten enable ${id}\`.`;
  if (want === 'down') return `It stays down until \`ten start ${id}\`.`;
  return 'The next request wakes it (`--hold` keeps it down).';
}
