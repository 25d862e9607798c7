/** Pure: what the unit that `ten install` wrote keeps a server from, told where it is met: there the reason looks like another one. */
import { TenementError } from './base/errors.js';
import type { ReportedProblem } from './config/load.js';
import type { Config } from './config/schema.js';
import { isInHome, isInTmp } from './install/needs.js';
import { madeForAnother, type UnitNeeds, unitNeedsOf, unmet } from './install/unit-needs.js';

/** What to do when an instance of that service cannot be started; undefined: the unit gives what it needs, or is not one of ours. */
export function startAdvice(
  unit: UnitNeeds | undefined,
  config: Config,
  service: string,
): string | undefined {
  const one = config.service[service];
  if (unit === undefined || one === undefined) return undefined;
  const needs = unitNeedsOf({ ...config, service: { [service]: one } });
  // These keep nothing from starting.
  const { listen: _, ...rights } = { ...needs, stopSecs: 0 };
  const lacking = unmet(unit, { ...rights, ...(unit.listen !== undefined && { listen: unit.listen }) });
  return lacking.length === 0 ? undefined : `${madeForAnother(lacking)}.`;
}

/** Directories that are there for everybody but the service are no mistake of the configuration: `ten check` would find nothing. */
export function hiddenByUnit(error: unknown, unit: UnitNeeds | undefined): unknown {
  if (unit === undefined || !(error instanceof TenementError) || error.code !== 'config_invalid')
    return error;
  const problems = (error.details.problems ?? []) as readonly ReportedProblem[];
  const missing = problems.flatMap((one) => one.missing ?? []);
  const what = [
    ...(!unit.homes && missing.some(isInHome) ? ['files in home directories'] : []),
    ...(!unit.sharesTmp && missing.some(isInTmp) ? ['files of an app below /tmp'] : []),
  ];
  if (what.length === 0) return error;
  return new TenementError(error.code, error.message, {
    hint: `If they are there: ${madeForAnother(what)}.`,
    details: error.details,
  });
}
