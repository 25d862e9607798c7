/** The environment of an instance: an allow-list, never the server's own. Pure, but for readEnvFile. */
import type { InstanceKey } from '../base/names.js';
import type { ServiceConfig } from './schema.js';
import { fillTemplate, type TemplateVars } from './template.js';
import { isReserved } from './variables.js';

export { readEnvFile } from './env-file.js';

type Env = Readonly<Record<string, string | undefined>>;

interface InstanceEnvParts {
  readonly key: InstanceKey;
  readonly service: Pick<ServiceConfig, 'env' | 'pass_env'>;
  /** Values of the template variables; `port` and `socket` also become PORT and SOCKET_PATH. */
  readonly vars: TemplateVars;
  /** The instance's public address. */
  readonly url: string;
  /** Set for this one instance (`ten env set`); taken literally. */
  readonly own: Env;
  /** From readEnvFile; taken literally. */
  readonly fileEnv: Env;
  /** The server's own environment. */
  readonly serverEnv: Env;
  /**
   * The instance's own directory, when it runs as another user than the server: it could not write the server user's home,
   * cache and temporary files. Undefined: it runs as the server's user and has what that one has.
   */
  readonly home: string | undefined;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Later ones win: PATH, LANG, TZ, HOME, XDG_CACHE_HOME, TMPDIR; pass_env; env_file; the service's table; the instance's own;
 * what tenement sets. Whatever else the server has in its environment (its tokens, a deployer's keys) stays with it.
 */
export function instanceEnv(parts: InstanceEnvParts): Record<string, string> {
  const { key, service, vars, serverEnv, home } = parts;
  const env: Record<string, string | undefined> = {
    PATH: serverEnv.PATH || DEFAULT_PATH,
    LANG: serverEnv.LANG || 'C.UTF-8',
    TZ: serverEnv.TZ,
    HOME: home ?? serverEnv.HOME,
    XDG_CACHE_HOME: home === undefined ? serverEnv.XDG_CACHE_HOME : `${home}/.cache`,
    TMPDIR: home === undefined ? serverEnv.TMPDIR : undefined,
    ...withoutUndefined(Object.fromEntries(service.pass_env.map((name) => [name, serverEnv[name]]))),
    ...parts.fileEnv,
    ...Object.fromEntries(
      Object.entries(service.env).map(([name, value]) => [name, fillTemplate(value, vars)]),
    ),
    ...parts.own,
  };
  for (const name of Object.keys(env)) if (isReserved(name)) delete env[name];
  return withoutUndefined({
    ...env,
    PORT: vars.port,
    SOCKET_PATH: vars.socket,
    TENEMENT_SERVICE: key.service,
    TENEMENT_INSTANCE: key.id,
    TENEMENT_URL: parts.url,
  });
}

function withoutUndefined(env: Env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
