/** What whoever runs the server is told of its configuration on this machine, at the start and when it changes: then only what is new. */
import { type Host, lackingInUnits } from '../isolation/index.js';
import type { Log } from './base/log.js';
import { checkFiles } from './config/check-files.js';
import { formatPath } from './config/problem.js';
import { runsAsUnit } from './config/runs-as-unit.js';
import type { Config } from './config/schema.js';
import { configWarnings } from './config/warnings.js';
import { madeForAnother, type UnitNeeds, unitNeedsOf, unmet } from './install/unit-needs.js';

interface OperatorWarningsOptions {
  readonly host: Pick<Host, 'root' | 'systemd'>;
  readonly log: Pick<Log, 'warn' | 'error'>;
  /** What the unit that we run in was made for; undefined: it is not one of `ten install`. */
  readonly unit: UnitNeeds | undefined;
}

export class OperatorWarnings {
  readonly #options: OperatorWarningsOptions;
  #said: ReadonlySet<string> = new Set();

  constructor(options: OperatorWarningsOptions) {
    this.#options = options;
  }

  /** What is dangerous, has no effect, lacks what it needs, or will make starts fail. `auto` has been decided. */
  tell(config: Config): void {
    const { log } = this.#options;
    const warnings = this.#warnings(config);
    // Other services are served all the same.
    const errors = checkFiles(config).map(({ path, message }) => `${formatPath(path)}: ${message}`);
    for (const one of warnings) if (!this.#said.has(one)) log.warn(one);
    for (const one of errors) if (!this.#said.has(one)) log.error(one);
    this.#said = new Set([...warnings, ...errors]);
  }

  #warnings(config: Config): string[] {
    const { host, unit } = this.#options;
    const found = configWarnings(config, host.root);
    const asRoot = host.root ? appsAsRoot(config) : [];
    if (asRoot.length > 0)
      found.push(
        `The server runs as root, and so do the apps of ${asRoot.join(', ')}: set \`user = "auto"\` for each`,
      );
    const lacking = usesUnits(config) ? lackingInUnits(host) : undefined;
    if (lacking !== undefined) found.push(lacking);
    const needs = unit === undefined ? [] : unmet(unit, unitNeedsOf(config));
    if (needs.length > 0) found.push(madeForAnother(needs));
    return found;
  }
}

function usesUnits({ service }: Config): boolean {
  return Object.values(service).some((one) => runsAsUnit(one));
}

function appsAsRoot({ service }: Config): string[] {
  return Object.entries(service).flatMap(([name, { isolation, user }]) =>
    isolation === 'process' && user === '' ? [name] : [],
  );
}
