/** What a first installation was asked for: it has no choices from before that a run which goes on could fall back to. Pure. */
import { z } from 'zod';

/** Of the command line; undefined keeps what was chosen before. */
export interface NewChoices {
  readonly domain: string | undefined;
  readonly caddy: boolean | undefined;
  /** False: none any more. */
  readonly dnsProvider: string | false | undefined;
}

export const asked = z.object({
  /** Absolute path of the file that becomes the configuration. */
  config: z.string().optional(),
  /** Absolute path. */
  dataDir: z.string().optional(),
  domain: z.string().optional(),
  port: z.number().optional(),
  caddy: z.boolean().optional(),
  dnsProvider: z.string().optional(),
});
export type Asked = z.infer<typeof asked>;

interface Asking extends NewChoices {
  readonly config: string | undefined;
  readonly dataDir: string | undefined;
  readonly port: number | undefined;
}

/** What the command line leaves open is as it was asked for before. */
export function withAsked<T extends Asking>(now: T, before: Asked | undefined): T {
  if (before === undefined) return now;
  const caddy = now.caddy ?? before.caddy;
  return {
    ...now,
    config: now.config ?? before.config,
    dataDir: now.dataDir ?? before.dataDir,
    domain: now.domain ?? before.domain,
    port: now.port ?? before.port,
    caddy,
    // Without Caddy it would be a mistake.
    dnsProvider: now.dnsProvider ?? (caddy === true ? before.dnsProvider : undefined),
  };
}

/** To be remembered; `config` and `dataDir` are absolute. */
export function askedOf({ config, dataDir, domain, port, caddy, dnsProvider }: Asking): Asked {
  return {
    ...(config !== undefined && { config }),
    ...(dataDir !== undefined && { dataDir }),
    ...(domain !== undefined && { domain }),
    ...(port !== undefined && { port }),
    ...(caddy !== undefined && { caddy }),
    ...(typeof dnsProvider === 'string' && { dnsProvider }),
  };
}
