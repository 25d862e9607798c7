/** From config and registry to a running process: everything that a start needs, in order, and its undoing when a step fails. */
import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Backend, BackendId, Handle, Host, Identity, Spec } from '../../isolation/contract.js';
import { findRun, groupPath, parseRef, select } from '../../isolation/index.js';
import { asTenementError, TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import { commandWords } from '../config/command.js';
import { instanceDirectories } from '../config/data-paths.js';
import { readEnvFile } from '../config/env-file.js';
import { instanceEnv, instanceHome } from '../config/instance-env.js';
import { notYet, notYetError } from '../config/not-yet.js';
import type { Config, ServiceConfig } from '../config/schema.js';
import { fillTemplate } from '../config/template.js';
import type { Logs } from '../logs/types.js';
import type { Registry } from '../state/types.js';
import { prepareInstance } from './directories.js';
import { identityFor } from './identity.js';
import type { Ports } from './ports.js';
import { checkReach } from './reach.js';

export interface LauncherDeps {
  readonly config: () => Config;
  readonly registry: Registry;
  readonly logs: Logs;
  readonly ports: Ports;
  readonly backends: ReadonlyMap<BackendId, Backend>;
  readonly host: Host;
  /** The server's own environment: PATH, LANG and what `pass_env` names are taken from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `https://alice.notes.example.com`, for TENEMENT_URL. */
  readonly publicUrl: (key: InstanceKey) => string;
}

const LOOPBACK = '127.0.0.1';

export class Launcher {
  readonly #deps: LauncherDeps;

  constructor(deps: LauncherDeps) {
    this.#deps = deps;
  }

  /**
   * Starts the process of an instance; its ref is saved when this resolves. When it rejects nothing is left behind.
   * @throws TenementError with the reason, one of the codes under "starting and stopping"
   */
  async launch(key: InstanceKey, signal: AbortSignal): Promise<Handle> {
    const { registry, ports, logs, host } = this.#deps;
    const service = this.#service(key);
    const backend = this.#backend(service);
    await this.#refuseUnproven(key);
    const identity = await this.#identity(key, service);
    const port = await ports.allocate();
    try {
      const spec = await this.#spec(key, service, identity, port);
      if (identity !== undefined) {
        await checkReach({ command: spec.command[0], directory: spec.directory, env: spec.env, identity });
      }
      signal.throwIfAborted();
      // Saved first: should we die between the start and saving its ref, the next server knows what to look for.
      registry.saveTrace(key, { run: spec.run, cgroup: groupPath(host, spec.group) });
      const handle = await backend.spawn(spec, signal);
      await this.#save(key, handle);
      return handle;
    } catch (error) {
      ports.release(port);
      await logs.close(key).catch(() => {});
      registry.clearRun(key);
      throw wrapped(key, error);
    }
  }

  /** A process whose ref cannot be saved (full disk) is ended: the next server would not know it, and start a second one. */
  async #save(key: InstanceKey, handle: Handle): Promise<void> {
    try {
      this.#deps.registry.saveRef(key, handle.ref);
    } catch (error) {
      await handle.stop({ graceMs: 0 });
      throw error;
    }
  }

  /** Nothing of that process is left. */
  async gone(key: InstanceKey, handle: Handle): Promise<void> {
    this.#deps.registry.clearRun(key);
    if ('port' in handle.address) this.#deps.ports.release(handle.address.port);
    await this.#deps.logs.close(key);
  }

  /** Where an instance's data is, and whom it belongs to; directories are created and owned. */
  async prepare(key: InstanceKey): Promise<void> {
    const service = this.#service(key);
    await this.#directories(key, await this.#identity(key, service));
  }

  #service(key: InstanceKey): ServiceConfig {
    const { config } = this.#deps;
    const service = config().service[key.service];
    if (service === undefined)
      throw new TenementError('not_found', `There is no service "${key.service}" in ${config().path}`);
    const missing = notYet(service);
    if (missing.length > 0) throw notYetError(key.service, missing);
    return service;
  }

  #backend(service: ServiceConfig): Backend {
    const { backends, host } = this.#deps;
    // "auto" was refused with notYet.
    return select(backends, service.isolation === 'auto' ? 'process' : service.isolation, host);
  }

  #identity(key: InstanceKey, service: ServiceConfig): Promise<Identity | undefined> {
    const { config, host, registry } = this.#deps;
    return identityFor(service.user, key, config().settings.uid_range, host, registry);
  }

  /** Two processes on one SQLite file destroy it: while an earlier one may live, nothing starts. */
  async #refuseUnproven(key: InstanceKey): Promise<void> {
    const { registry, backends, host } = this.#deps;
    const run = registry.run(key);
    if (run === undefined) return;
    const reason = await aliveOf(run, backends, host);
    if (reason === undefined) {
      registry.clearRun(key);
      return;
    }
    throw new TenementError('unproven_process', `${formatKey(key)} is not started: ${reason}`);
  }

  async #directories(key: InstanceKey, identity: Identity | undefined): Promise<string[]> {
    const config = this.#deps.config();
    const directories = instanceDirectories(config, key.service, key.id);
    await prepareInstance(directories, config.settings.data_dir, identity);
    return directories;
  }

  async #spec(
    key: InstanceKey,
    service: ServiceConfig,
    identity: Identity | undefined,
    port: number,
  ): Promise<Spec> {
    const { config, registry, logs, env, publicUrl } = this.#deps;
    const { data_dir } = config().settings;
    await this.#directories(key, identity);
    const vars = { name: key.service, id: key.id, version: key.id, data_dir, port: String(port) };
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
        instanceEnv: registry.get(key)?.env ?? {},
        home: instanceHome({
          otherUser: identity !== undefined,
          serverHome: env.HOME ?? '/',
          directory: join(data_dir, key.service, key.id),
        }),
        otherUser: identity !== undefined,
        base: env,
        url: publicUrl(key),
      }),
      directory: service.workdir,
      identity,
      address: { host: LOOPBACK, port },
      log: logs.open(key, { idle: true }),
      group: groupName(data_dir, key),
    };
  }
}

/** Unique on the machine also when two servers have instances of the same name: the data directory tells them apart. */
function groupName(dataDir: string, key: InstanceKey): string {
  const owner = createHash('sha256').update(dataDir).digest('hex').slice(0, 8);
  return `${owner}.${formatKey(key)}`;
}

/** Why an earlier run of an instance may still live, or undefined when it provably does not. Used where no handle exists. */
async function aliveOf(
  run: NonNullable<ReturnType<Registry['run']>>,
  backends: ReadonlyMap<BackendId, Backend>,
  host: Host,
): Promise<string | undefined> {
  if (run.ref !== undefined) {
    const ref = parseRef(run.ref);
    const adoption = ref === undefined ? undefined : await backends.get(ref.backend)?.adopt(ref);
    if (ref === undefined || adoption === undefined)
      return 'what was saved of its last process is not of this version';
    if (adoption.kind === 'gone') return undefined;
    if (adoption.kind === 'unproven') return adoption.reason;
    adoption.handle.detach();
    return `pid ${ref.pid} is an earlier process of it and still runs`;
  }
  if (run.trace === undefined) return undefined;
  const pids = await findRun(run.trace, host);
  return pids.length === 0 ? undefined : `pids ${pids.join(', ')} were started for it by a server that died`;
}

function wrapped(key: InstanceKey, error: unknown): TenementError {
  if (error instanceof TenementError) return error;
  const cause = asTenementError(error);
  return new TenementError('start_failed', `${formatKey(key)} could not be started: ${cause.message}`, {
    cause: error,
  });
}
