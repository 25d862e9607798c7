/** A file that says by itself whether it is still as we wrote it: what people have changed since is theirs. Pure. */
import { createHash } from 'node:crypto';
import { CADDY_MARKER, MARKER } from '../../systemd/units/marker.js';

const LINE = /^# As written: ([0-9a-f]{16})\. Changed by you, it is kept, not replaced\.\n/m;

/** `text` begins with a marker. */
export function seal(text: string): string {
  const line = `# As written: ${digestOf(text)}. Changed by you, it is kept, not replaced.\n`;
  return text.replace('\n', () => `\n${line}`);
}

/** What was sealed: also of a text that was changed afterwards. */
export function sealOf(text: string): string | undefined {
  return LINE.exec(text)?.[1];
}

export function unsealed(text: string): string {
  return text.replace(LINE, '');
}

/** Whether nobody has changed it since. */
export function isAsWritten(text: string): boolean {
  return (
    [MARKER, CADDY_MARKER].some((one) => text.startsWith(one)) && sealOf(text) === digestOf(unsealed(text))
  );
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
