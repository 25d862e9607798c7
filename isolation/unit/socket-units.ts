/**
 * Pure: the units by which systemd listens for an instance and starts it (systemd.socket(5)). An app that takes sockets gets the one that systemd
 * listens on. One that knows only a port is reached through systemd-socket-proxyd(8), which is what the socket starts; it needs the app.
 */
import { createHash } from 'node:crypto';
import { LONGEST_SOCKET_PATH } from '../../src/base/socket-path.js';
import type { Property } from '../../systemd/manager.js';
import { sliceName, unitName } from '../../systemd/unit-name.js';
import type { InstanceName } from '../contract.js';
import { plainScript } from './exec.js';

export interface SocketUnits {
  readonly app: string;
  readonly socket: string;
  /** What passes connections on; undefined: the app takes them itself. */
  readonly door: string | undefined;
}

const SOCKETS = '/run/tenement/sockets';
const BACKLOG = 4096;
/** An app that ends at each start must not be started for ever, while no server is there to see it: its socket is closed then. */
const TRIGGERS = { burst: 20, usec: 20_000_000n };
/** Until the app listens. A server that runs has a time limit of its own. */
const START_USEC = 600_000_000n;

export function socketUnits({ service, tenant }: InstanceName, forwarded: boolean): SocketUnits {
  const app = unitName(service, tenant);
  const base = app.replace(/\.service$/, '');
  return forwarded
    ? { app, socket: `${base}-door.socket`, door: `${base}-door.service` }
    : { app, socket: `${base}.socket`, door: undefined };
}

/** Where the instance is reached, for as long as it exists: for root only. Names have neither slashes nor colons. */
export function socketPath({ service, tenant }: InstanceName): string {
  const name = `${service}:${tenant}`;
  const path = `${SOCKETS}/${name}`;
  return path.length <= LONGEST_SOCKET_PATH
    ? path
    : `${SOCKETS}/${createHash('sha256').update(name).digest('hex')}`;
}

export function socketProperties(name: InstanceName, path: string): Property[] {
  return [
    ['Description', 's', `${name.service}:${name.tenant} (tenement)`],
    ['Slice', 's', sliceName(name.service)],
    ['Listen', 'a(ss)', [['Stream', path]]],
    ['SocketMode', 'u', 0o600],
    ['Backlog', 'u', BACKLOG],
    ['RemoveOnStop', 'b', true],
    ['TriggerLimitIntervalUSec', 't', TRIGGERS.usec],
    ['TriggerLimitBurst', 'u', TRIGGERS.burst],
    ['CollectMode', 's', 'inactive-or-failed'],
  ];
}

/** What the app has in other ways than an instance that no socket starts: `own` are that one's. */
export function appProperties(
  own: readonly Property[],
  forwardTo: number | undefined,
  uid: number,
): Property[] {
  return [
    // The socket refers to it: nobody else has to.
    ...own.filter(([name]) => name !== 'AddRef'),
    ['StartLimitIntervalUSec', 't', 0n],
    // A step between its end and the next start, which a waiting connection begins at once: time in which systemd tells how it ended.
    ['ExecStopPost', 'a(sasb)', [['/bin/true', ['/bin/true'], true]]],
    ...(forwardTo === undefined
      ? []
      : ([
          ['TimeoutStartUSec', 't', START_USEC],
          // Before it listens connections passed on to it would break.
          [
            'ExecStartPost',
            'a(sasb)',
            [
              [
                '/bin/sh',
                ['/bin/sh', '-c', plainScript(GATE), 'gate', portAsHex(forwardTo), String(uid)],
                true,
              ],
            ],
          ],
          // When what passes connections on has ended for want of them.
          ['StopWhenUnneeded', 'b', true],
        ] as Property[])),
  ];
}

/**
 * Ends well when the app listens on the port, or when there is nothing to wait for. The files are those of its own network (proc(5)). A stranger who
 * listens there, in the machine's network, would get what is meant for the app: of those to whom a connection to 127.0.0.1 may go none may be another
 * user's.
 */
const GATE = `while kill -0 "$MAINPID" 2>/dev/null; do
own= other=
for table in /proc/self/net/tcp /proc/self/net/tcp6; do
[ -r "$table" ] || continue
while read -r _ local _ state _ _ _ uid _; do case "$local $state" in
"0100007F:$1 0A"|"00000000:$1 0A"|"00000000000000000000000000000000:$1 0A"|"0000000000000000FFFF00000100007F:$1 0A")
if [ "$uid" = "$2" ]; then own=1; else other=1; fi;; esac; done <"$table"
done
[ -n "$own" ] && [ -z "$other" ] && exit 0
sleep 0.02
done`;

function portAsHex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
