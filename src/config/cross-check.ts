import { statSync } from 'node:fs';
import { checkDataPaths } from './check-data-paths.js';
import { checkRouting, noService } from './check-routing.js';
import { checkShownPaths } from './check-shown-paths.js';
import { checkTemplates } from './check-templates.js';
import { checkUnit } from './check-unit.js';
import { checkCombination } from './combinations.js';
import { splitService } from './command.js';
import type { Problem } from './problem.js';
import type { Config, ServiceConfig } from './schema.js';
import { DEFAULT_BACKOFF_MAX_MS } from './settings.js';
import { templateNames } from './template.js';
import { isReserved } from './variables.js';

/** What the schema alone can't see. Returns every problem. Looks whether the working directories exist; otherwise pure. */
export function crossCheck(config: Config): Problem[] {
  return [
    ...checkSettings(config),
    ...Object.entries(config.service).flatMap(([name, service]) => checkService(name, service)),
    ...checkInstances(config),
    ...checkDataPaths(config),
    ...checkShownPaths(config),
    ...checkRouting(config),
  ];
}

function checkSettings({ settings }: Config): Problem[] {
  const problems: Problem[] = [];
  if (settings.data_dir === '/') {
    problems.push({
      path: ['settings', 'data_dir'],
      message: 'the root directory of the machine is no place for data',
    });
  }
  if (templateNames(settings.data_dir).length > 0) {
    problems.push({ path: ['settings', 'data_dir'], message: 'template variables are not filled in here' });
  }
  if (settings.backoff_max_ms < settings.backoff_base_ms) {
    // By the key that the file has.
    problems.push(
      settings.backoff_max_ms === DEFAULT_BACKOFF_MAX_MS
        ? { path: ['settings', 'backoff_base_ms'], message: 'is more than `backoff_max_ms`' }
        : { path: ['settings', 'backoff_max_ms'], message: 'is less than `backoff_base_ms`' },
    );
  }
  return problems;
}

function checkService(name: string, service: ServiceConfig): Problem[] {
  const problems: Problem[] = [];
  const split = splitService(service);
  if ('problem' in split) problems.push({ path: ['service', name, 'command'], message: split.problem });
  const workdir = directoryProblem(service.workdir);
  if (workdir !== undefined) problems.push({ path: ['service', name, 'workdir'], ...workdir });
  service.pass_env.forEach((variable, i) => {
    if (isReserved(variable)) {
      problems.push({
        path: ['service', name, 'pass_env', i],
        message: `${variable} can't be passed on: it belongs to the server or is set by tenement for each instance`,
      });
    }
  });
  return [
    ...problems,
    ...checkCombination(name, service),
    ...checkTemplates(name, service),
    ...checkUnit(name, service),
  ];
}

function directoryProblem(path: string): Pick<Problem, 'message' | 'missing'> | undefined {
  try {
    return statSync(path).isDirectory() ? undefined : { message: `${path} is not a directory` };
  } catch {
    return { message: `the directory ${path} does not exist or can't be reached`, missing: path };
  }
}

function checkInstances({ instances, service }: Config): Problem[] {
  return Object.entries(instances).flatMap(([name, ids]) => {
    if (!Object.hasOwn(service, name)) {
      return [noService(name, ['instances', name], service)];
    }
    return ids.flatMap((id, i) =>
      ids.indexOf(id) === i ? [] : [{ path: ['instances', name, i], message: `"${id}" is listed twice` }],
    );
  });
}
