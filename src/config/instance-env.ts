/** The environment of an instance: an allow-list, never the server's own. Pure. */
import type { InstanceKey } from '../base/names.js';
import { fillTemplate, type TemplateVars } from './template.js';
import { isReserved } from './variables.js';

type Env = Readonly<Record<string, string | undefined>>;

interface InstanceEnvParts {
  readonly key: InstanceKey;
  /** Values of the template variables; `port` and `socket` also become PORT and SOCKET_PATH. */
  readonly vars: TemplateVars;
  /** `[service.NAME.env]`, templates not yet filled in. */
  readonly serviceEnv: Env;
  /** From readEnvFile; taken literally. */
  readonly envFile?: Env;
  /** Names to take from `base`. */
  readonly passEnv: readonly string[];
  /** Set for this one instance (`ten env set`); taken literally. */
  readonly instanceEnv?: Env;
  /** See instanceHome. */
  readonly home: string;
  /** Whether the instance runs as another user than the server: caches and temporary files of the server's user are then not its. */
  readonly otherUser: boolean;
  /** The server's own environment. */
  readonly base: Env;
  /** The instance's public address, without a final slash. */
  readonly url: string;
}

/** Where the server's own environment has none. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Later ones win: PATH, LANG, TZ, HOME, XDG_CACHE_HOME, TMPDIR; pass_env; env_file; the service's table; the instance's own;
 * what tenement sets. Whatever else the server has in its environment (its tokens, a deployer's keys) stays with it.
 */
export function instanceEnv(parts: InstanceEnvParts): Record<string, string> {
  const { key, vars, base, home } = parts;
  const own = parts.otherUser ? {} : { XDG_CACHE_HOME: base.XDG_CACHE_HOME, TMPDIR: base.TMPDIR };
  const env: Record<string, string | undefined> = {
    PATH: base.PATH || DEFAULT_PATH,
    LANG: base.LANG || 'C.UTF-8',
    TZ: base.TZ,
    HOME: home,
    XDG_CACHE_HOME: parts.otherUser ? `${home}/.cache` : undefined,
    ...withoutUndefined(own),
    ...withoutUndefined(Object.fromEntries(parts.passEnv.map((name) => [name, base[name]]))),
    ...parts.envFile,
    ...Object.fromEntries(
      Object.entries(parts.serviceEnv).map(([name, value]) => [name, value && fillTemplate(value, vars)]),
    ),
    ...parts.instanceEnv,
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

/**
 * HOME of an instance with the `process` backend: the server user's own when it runs as that user, else the instance's own
 * directory `{data_dir}/{service}/{id}`, since another user could not write the server's.
 */
export function instanceHome(options: {
  readonly otherUser: boolean;
  readonly serverHome: string;
  readonly directory: string;
}): string {
  return options.otherUser ? options.directory : options.serverHome;
}

function withoutUndefined(env: Env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
