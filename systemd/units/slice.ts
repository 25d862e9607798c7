/** tenement.slice, above the units of all instances. Pure. */
import { comment, MARKER } from './marker.js';

export function sliceUnit(): string {
  return [
    MARKER,
    ...comment(
      'The units of all instances are below this slice; the server is not, so that a limit for all of them, such as `systemctl set-property tenement.slice MemoryMax=8G`, cannot hit it.',
    ),
    '',
    '[Unit]',
    'Description=instances of tenement',
    '',
    '[Slice]',
    'CPUAccounting=yes',
    'MemoryAccounting=yes',
    'TasksAccounting=yes',
    '',
  ].join('\n');
}
