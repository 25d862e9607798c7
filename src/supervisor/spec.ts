/** What a backend is told of an instance that it is to start: from config, registry and what was provided for it. */
import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Identity, Spec } from '../../isolation/contract.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import { commandWords } from '../config/command.js';
import { readEnvFile } from '../config/env-file.js';
import { instanceEnv, instanceHome } from '../config/instance-env.js';
import { runsAsUnit } from '../config/runs-as-unit.js';
import type { ServiceConfig } from '../config/schema.js';
import { fillTemplate } from '../config/template.js';
import type { Logs } from '../logs/types.js';
import { confinement, isIsolated } from './confinement.js';
import type { Endpoint } from './endpoint.js';
import { type DataDeps, giveData, ownDirectories } from './instance-data.js';

export interface SpecDeps extends DataDeps {
  readonly logs: Logs;
  /** The server's own environment: PATH, LANG and what `pass_env` names are taken from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `https://alice.notes.example.com`, for TENEMENT_URL. */
  readonly publicUrl: (key: InstanceKey) => string;
}

interface Provided {
  readonly service: ServiceConfig;
  readonly identity: Identity | undefined;
  readonly endpoint: Endpoint;
}

/** Creates the instance's directories, too, as they have to be there. */
export async function buildSpec(
  deps: SpecDeps,
  key: InstanceKey,
  { service, identity, endpoint }: Provided,
): Promise<Spec> {
  const config = deps.config();
  const { data_dir } = config.settings;
  await giveData(deps, key, identity);
  const { port, socketPath, directory, address, socket, forwardTo } = endpoint;
  const directories = [...ownDirectories(deps, key), ...(directory === undefined ? [] : [directory])];
  // The server's home and caches are another user's, or not to be seen.
  const ownHome = identity !== undefined || isIsolated(service);
  const home = instanceHome({
    otherUser: ownHome,
    serverHome: deps.env.HOME ?? '/',
    directory: join(data_dir, key.service, key.id),
  });
  const vars = {
    name: key.service,
    id: key.id,
    version: key.id,
    data_dir,
    port: port === undefined ? undefined : String(port),
    socket: socketPath,
  };
  const [program, ...args] = commandWords(service);
  return {
    service: key.service,
    tenant: key.id,
    run: randomUUID(),
    command: [fillTemplate(program, vars), ...args.map((word) => fillTemplate(word, vars))],
    env: instanceEnv({
      key,
      vars,
      serviceEnv: service.env,
      envFile: service.env_file === undefined ? {} : readEnvFile(service.env_file),
      passEnv: service.pass_env,
      instanceEnv: deps.registry.get(key)?.env ?? {},
      home,
      otherUser: ownHome,
      base: deps.env,
      url: deps.publicUrl(key),
    }),
    directory: service.workdir,
    identity,
    address,
    log: deps.logs.open(key, { idle: true }),
    group: groupName(data_dir, key),
    ...(socket !== undefined && { socket }),
    ...(forwardTo !== undefined && { forwardTo }),
    ...(service.isolation === 'socket-activation' && { idleMs: ownIdleMs(service) }),
    ...(runsAsUnit(service) && { stopMs: service.stop_timeout * 1000 }),
    ...confinement(key, config, service, directories, home),
  };
}

const SYSTEMD_LATER_MS = 30_000;

/** Later than a server that runs would end it: then its end is ours, and not one to wonder at. 0: never. */
function ownIdleMs({ idle_timeout }: ServiceConfig): number {
  return idle_timeout === 0 ? 0 : idle_timeout * 1000 + SYSTEMD_LATER_MS;
}

/** Unique on the machine also when two servers have instances of the same name: the data directory tells them apart. */
function groupName(dataDir: string, key: InstanceKey): string {
  const owner = createHash('sha256').update(dataDir).digest('hex').slice(0, 8);
  return `${owner}.${formatKey(key)}`;
}
