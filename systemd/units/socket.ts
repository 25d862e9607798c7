/** tenement.socket. Pure. */
import { comment, MARKER } from './marker.js';

/** Where to listen: as ListenStream= wants it, `127.0.0.1:80`, `[::]:80` or a path. */
export function socketUnit(addresses: readonly string[]): string {
  const unix = addresses.some((address) => address.startsWith('/'));
  return [
    MARKER,
    ...comment('systemd holds these sockets, also while the server restarts.'),
    '',
    '[Unit]',
    'Description=sockets of tenement',
    '',
    '[Socket]',
    ...addresses.map((address) => `ListenStream=${address}`),
    ...comment('0.0.0.0 and [::] stand beside each other.'),
    'BindIPv6Only=ipv6-only',
    'Backlog=4096',
    'NoDelay=yes',
    ...(unix
      ? [
          ...comment('For the reverse proxy: give it the group by SocketGroup=.'),
          'SocketMode=0660',
          'RemoveOnStop=yes',
        ]
      : []),
    'FileDescriptorName=http',
    ...comment('Many connections at once are load, not a reason to close the socket.'),
    'TriggerLimitIntervalSec=0',
    '',
    '[Install]',
    'WantedBy=sockets.target',
    '',
  ].join('\n');
}
