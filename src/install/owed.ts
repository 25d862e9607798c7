/** What systemd and Caddy have to be asked for after an installation: remembered until it is done, as a run may be killed before. */
import { z } from 'zod';
import { importsOurs } from './caddy-step.js';
import { configFile } from './config-step.js';
import { type Layout, UNITS, unitPaths } from './layout.js';
import type { Step } from './step.js';

/** In the order in which they are done. */
const ASKS = ['units', 'socket', 'service', 'caddy'] as const;
export const ask = z.enum(ASKS);
export type Ask = z.infer<typeof ask>;

/** `earlier`: what an earlier run has not done. */
export function asksOf(pending: readonly Step[], earlier: readonly Ask[], places: Layout): Ask[] {
  const changed = (path: string) => pending.some((step) => 'path' in step && step.path === path);
  const units = unitPaths(places);
  const socket = changed(units['tenement.socket']);
  const server = [units['tenement.service'], places.current, places.config, configFile(places)].some(changed);
  const needed: Record<Ask, boolean> = {
    units: UNITS.some((unit) => changed(units[unit])),
    socket,
    service: socket || server,
    caddy: changed(places.caddyfile) && importsOurs(places),
  };
  return ASKS.filter((one) => needed[one] || earlier.includes(one));
}

/** What is left to be done by a later run: all that starts something, when nothing is to be started. */
export function leftFor(asks: readonly Ask[], start: boolean): Ask[] {
  return start ? [] : asks.filter((one) => one !== 'units');
}

/** `listens`: addresses of the socket, as ListenStream= has them. */
export function commandsFor(asks: readonly Ask[], start: boolean, listens: readonly string[]): Step[] {
  const left = leftFor(asks, start);
  return asks.filter((one) => !left.includes(one)).flatMap((one) => commandsOf(one, listens));
}

const run = (...command: [string, ...string[]]): Step => ({ do: 'run', command });

export const RELOAD = run('systemctl', 'daemon-reload');
export const RESTART = run('systemctl', 'restart', 'tenement.service');

function commandsOf(one: Ask, listens: readonly string[]): readonly Step[] {
  switch (one) {
    case 'units':
      return [RELOAD, run('systemctl', 'enable', '--quiet', 'tenement.socket', 'tenement.service')];
    case 'socket':
      // A socket cannot change under the service that holds it.
      return [
        { do: 'run', command: ['systemctl', 'stop', 'tenement.service'], mayFail: true },
        { do: 'run', command: ['systemctl', 'restart', 'tenement.socket'], listens },
      ];
    case 'service':
      return [RESTART];
    case 'caddy':
      return [{ do: 'run', command: ['systemctl', 'try-reload-or-restart', 'caddy.service'], mayFail: true }];
  }
}
