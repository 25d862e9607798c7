import type { Config } from './schema.js';
import { fillTemplate, templateNames } from './template.js';

export const REDACTED = '***';

/**
 * The configuration as it is in effect, as a plain object with the file's keys, for `ten config`.
 *
 * Of env values only those are shown that are an absolute path or consist of template variables (`{data_dir}/{id}/app.db`),
 * and then only under a name that does not sound secret; everything else is `***`. A rule by the variable's name alone
 * would show the password inside of a DATABASE_URL. Commands are shown as they are: `ps` shows them to everybody anyway.
 */
export function effectiveConfig(config: Config): Record<string, unknown> {
  const { path: _, service, ...rest } = config;
  const services = Object.entries(service).map(([name, one]) => [
    name,
    {
      ...one,
      env: redactEnv(one.env),
      ...(one.systemd !== undefined && { systemd: redactUnit(one.systemd) }),
    },
  ]);
  return { ...rest, service: Object.fromEntries(services) };
}

/** Also for what is set per instance (`ten env ls`). */
export function redactEnv(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, isPublic(name, value) ? value : REDACTED]),
  );
}

/** Properties of a unit that carry variables or credentials (systemd.exec(5)). */
function redactUnit(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      /^Environment$|Credential/i.test(name) ? REDACTED : value,
    ]),
  );
}

const SECRET_NAME = /KEY|TOKEN|SECRET|PASS|PWD|AUTH|CRED|DSN|SALT|PRIVATE|SIGN|SESSION|COOKIE|HASH|SEED/i;
const FILLED = { name: 'x', id: 'x', data_dir: '/x', version: 'x', port: '1', socket: '/x' };

function isPublic(name: string, value: string): boolean {
  const templates = templateNames(value).length > 0;
  if (templates && value.replace(/\{[a-z_]+\}/g, '').replace(/[/:.]/g, '') === '') return true;
  const path = fillTemplate(value, FILLED);
  return !SECRET_NAME.test(name) && path.startsWith('/') && path.split('/').every(isPathSegment);
}

/** Short and of ordinary characters; a credential that begins with a slash has long runs. */
function isPathSegment(segment: string): boolean {
  return /^[A-Za-z0-9._-]{0,32}$/.test(segment);
}
