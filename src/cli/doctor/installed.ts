/** Whether the units that `ten install` wrote still fit the configuration. */
import { createBackends, type Host, strongest } from '../../../isolation/index.js';
import { resolveAuto } from '../../config/resolve-auto.js';
import type { Config } from '../../config/schema.js';
import { installedNeeds } from '../../install/record.js';
import { unitNeedsOf, unmet } from '../../install/unit-needs.js';
import { type Check, ok, warn } from './check.js';

/** Nothing where this configuration is not the installed one. */
export function checkInstalled(config: Config | undefined, host: Host): Check[] {
  const installed = config === undefined ? undefined : installedNeeds(config.path);
  if (config === undefined || installed === undefined) return [];
  const backends = createBackends(host);
  const here = resolveAuto(config, {
    strongest: (service) => strongest(backends, host, service),
    root: true,
  });
  const needs = unmet(installed, unitNeedsOf(here.config));
  if (needs.length === 0) return [ok('tenement.service', 'fits the configuration')];
  return [
    warn(
      'tenement.service',
      `was made for another configuration; this one needs ${needs.join('; ')}`,
      'Run `sudo ten install` again.',
    ),
  ];
}
