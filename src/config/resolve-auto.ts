/** Pure: `isolation = "auto"` becomes what it means on this machine, once, so that nothing after has to ask again. */
import type { Config, ServiceConfig } from './schema.js';

export interface Machine {
  /** The strongest isolation that works here with that network. */
  readonly strongest: (service: ServiceConfig) => Exclude<ServiceConfig['isolation'], 'auto'>;
  /** Whether instances can have users of their own. */
  readonly root: boolean;
}

export interface Choice {
  readonly service: string;
  readonly isolation: ServiceConfig['isolation'];
}

/** The config as it is carried out here, and what was chosen for whom. Data paths were checked before, as for an isolated service. */
export function resolveAuto(config: Config, machine: Machine): { config: Config; choices: Choice[] } {
  const choices: Choice[] = [];
  const service = Object.fromEntries(
    Object.entries(config.service).map(([name, one]) => {
      if (one.isolation !== 'auto') return [name, one];
      const isolation = machine.strongest(one);
      choices.push({ service: name, isolation });
      // `process` alone would run it as the server's own user, root: the least that auto can promise is an own one.
      const user = isolation === 'process' && one.user === '' && machine.root ? 'auto' : one.user;
      return [name, { ...one, isolation, user }];
    }),
  );
  return { config: { ...config, service }, choices };
}
