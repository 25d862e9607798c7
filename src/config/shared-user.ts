/** Services whose rules on loopback hold for more than their instances. */
import type { Config } from './schema.js';

/**
 * What to say of services that a named user runs, isolated, in the machine's network: the rules go by uid, and so hit whatever else runs as that
 * user (nginx as www-data). Only a server that is root makes such rules. Pure; one line per service.
 */
export function sharedUserWarnings({ service }: Pick<Config, 'service'>): string[] {
  return Object.entries(service).flatMap(([name, { user, isolation, network }]) => {
    const named = user !== '' && user !== 'auto';
    if (!named || isolation === 'process' || network !== 'host') return [];
    return [
      `service.${name}: user = "${user}" with network = "host": while instances of it run, the rules that keep them from the ports of others hold for every process of that user on this machine; use user = "auto"`,
    ];
  });
}
