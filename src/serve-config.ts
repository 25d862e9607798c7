/** The configuration that a server carries out. */
import { type Backends, type Host, strongest } from '../isolation/index.js';
import type { Log } from './base/log.js';
import { findConfig } from './config/find.js';
import { loadConfig } from './config/load.js';
import { notYetError, notYetSettings } from './config/not-yet.js';
import { resolveAuto } from './config/resolve-auto.js';
import type { Config } from './config/schema.js';
import type { UnitNeeds } from './install/unit-needs.js';
import type { ServeOptions } from './serve-options.js';
import { hiddenByUnit } from './unit-advice.js';

/** `unitFor`: what the unit that we run in was made for, if it serves that file. @throws TenementError as loadConfig; not_yet */
export function readConfig(options: ServeOptions, unitFor: (path: string) => UnitNeeds | undefined): Config {
  const path = findConfig({ explicit: options.configPath, env: process.env, cwd: process.cwd() });
  try {
    const config = loadConfig({ path, dataDir: options.dataDir, env: process.env });
    const missing = notYetSettings(config.settings);
    if (missing.length > 0) throw notYetError(undefined, missing);
    return config;
  } catch (error) {
    throw hiddenByUnit(error, unitFor(path));
  }
}

/** `auto` is decided here, once for each config. That nothing keeps instances apart is what the user allowed by it, and is said all the same. */
export function chooseIsolation(config: Config, backends: Backends, host: Host, log: Log): Config {
  const { config: resolved, choices } = resolveAuto(config, {
    strongest: (service) => strongest(backends, host, service),
    root: host.root,
  });
  for (const { service, isolation } of choices) {
    log.info({ service, isolation }, `isolation = "auto" is "${isolation}" here`);
    if (isolation === 'process') {
      log.warn(
        { service },
        'isolation = "auto": nothing stronger than "process" works here; see `ten doctor`',
      );
    }
  }
  return resolved;
}
