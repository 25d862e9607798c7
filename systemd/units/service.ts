/** tenement.service. Pure. */
import { join } from 'node:path';
import { COSTS, type Confinement, hardening, quotePath } from './hardening.js';
import { comment, MARKER } from './marker.js';

export interface ServiceUnit extends Confinement {
  /** Absolute path of Node. */
  readonly node: string;
  /** Absolute path; undefined when there is none. */
  readonly perl: string | undefined;
  /** Absolute path of the program's directory, through the link that upgrades move. */
  readonly program: string;
  readonly config: string;
  readonly domain: string;
  /** Longest time that a clean stop may take. */
  readonly stopSecs: number;
}

/** Far more than hundreds of starts at once on a busy machine take: to kill a server for that would start them all again. */
const WATCHDOG_SECS = 90;
/** The state is opened and whatever runs is adopted before the server is ready. */
const START_SECS = 120;

export function serviceUnit(unit: ServiceUnit): string {
  const command = (...args: string[]) => args.map(quoteArgument).join(' ');
  const ten = [unit.node, join(unit.program, 'bin/ten')];
  const notify = unit.perl === undefined ? [] : [unit.perl, join(unit.program, 'bin/with-notify-socket')];
  const serve = command(...notify, ...ten, 'serve', '--config', unit.config, '--domain', unit.domain);
  const lines: (string | readonly string[])[] = [
    MARKER,
    comment(
      'Your own changes belong into `systemctl edit tenement.service`: those stay when this file is written anew.',
    ),
    '',
    '[Unit]',
    'Description=tenement: one process per customer',
    'Wants=network-online.target',
    'After=network-online.target nss-user-lookup.target dbus.socket',
    comment('The socket stays open while the server restarts: connections wait there, and none is refused.'),
    'Requires=tenement.socket',
    'After=tenement.socket',
    comment('A server that cannot start is tried again for ever: giving up would take the socket down, too.'),
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=notify',
    'SyslogIdentifier=tenement',
    ...notifyAccess(unit),
    `ExecStart=${serve}`,
    `ExecReload=${command(...ten, 'reload', '--config', unit.config)}`,
    'Restart=always',
    'RestartSec=2',
    comment(
      'What runs in the control group of this unit ends with the server, once it had the time to stop it. Units of instances are others: on a restart they go on, and the new server finds them by this name.',
    ),
    'KillMode=mixed',
    'Environment=TENEMENT_UNIT=%n NODE_ENV=production',
    `TimeoutStartSec=${START_SECS}`,
    `TimeoutStopSec=${unit.stopSecs}`,
    comment('The server reports that both its threads answer. One that hangs is ended, and started again.'),
    `WatchdogSec=${WATCHDOG_SECS}`,
    'WatchdogSignal=SIGKILL',
    comment(
      'Each instance has its own control group below this one. When one of them runs out of memory, the others go on.',
    ),
    'Delegate=yes',
    'OOMPolicy=continue',
    'LimitNOFILE=65536',
    comment('A core file would have the data and the secrets of all.'),
    'LimitCORE=0',
    '',
    comment(COSTS[unit.work]),
    ...hardening(unit).flatMap(({ why, lines }) => [comment(why), lines]),
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ];
  return lines.flat().join('\n');
}

function notifyAccess({ perl }: ServiceUnit): (string | string[])[] {
  if (perl === undefined) {
    return [
      comment(
        'Without perl a helper program has to speak for the server, and so could an instance in its control group.',
      ),
      'NotifyAccess=all',
    ];
  }
  return [
    comment(
      'From the server itself alone: an instance in its control group cannot say that the server stops.',
    ),
    'NotifyAccess=main',
  ];
}

/** systemd.service(5), "Command lines". */
function quoteArgument(text: string): string {
  const escaped = quotePath(text).replaceAll('$', '$$$$');
  return escaped;
}
