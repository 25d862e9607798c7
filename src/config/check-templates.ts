import { distance } from 'fastest-levenshtein';
import type { Problem } from './problem.js';
import type { ServiceConfig } from './schema.js';
import { isTemplateName, TEMPLATE_NAMES, templateNames } from './template.js';
import { isReserved } from './variables.js';

/** Template variables that don't exist or have no value here, and env keys and values that would not do what they say. Pure. */
export function checkTemplates(name: string, service: ServiceConfig): Problem[] {
  const base = ['service', name];
  const problems = templateProblems(service.command, [...base, 'command'], service);
  service.args?.forEach((arg, i) => {
    problems.push(...templateProblems(arg, [...base, 'args', i], service));
  });
  for (const [variable, value] of Object.entries(service.env)) {
    const path = [...base, 'env', variable];
    problems.push(...templateProblems(value, path, service));
    if (isReserved(variable) && !isRestatement(variable, value)) {
      problems.push({ path, message: 'is set by tenement itself for each instance' });
    }
    if (/^~(?:\/|$)/.test(value)) {
      problems.push({
        path,
        message: '"~" is not replaced, since no shell is involved: write the absolute path',
      });
    }
    for (const [, shell] of value.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g)) {
      problems.push({
        path,
        message: `\${${shell}} is not replaced, since no shell is involved: write {${TEMPLATE_NAMES.join('}, {')}}, or name the variable in \`pass_env\``,
      });
    }
  }
  return problems;
}

function templateProblems(text: string, path: Problem['path'], { listen }: ServiceConfig): Problem[] {
  return templateNames(text).flatMap((found): Problem[] => {
    if (!isTemplateName(found)) {
      const near = TEMPLATE_NAMES.find((known) => distance(found.toLowerCase(), known) <= 2);
      return [
        {
          path,
          message: `{${found}} is not a template variable; there are {${TEMPLATE_NAMES.join('}, {')}}`,
          ...(near !== undefined && { suggestion: `{${near}}` }),
        },
      ];
    }
    const needs = { port: 'port', socket: 'unix' }[found as string];
    if (needs === undefined || needs === listen) return [];
    return [{ path, message: `{${found}} has no value with \`listen = "${listen}"\`` }];
  });
}

/** `PORT = "{port}"` says what is so anyway. */
function isRestatement(variable: string, value: string): boolean {
  return (variable === 'PORT' && value === '{port}') || (variable === 'SOCKET_PATH' && value === '{socket}');
}
