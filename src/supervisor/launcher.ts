/** From config and registry to a running process: everything that a start needs, in order, and its undoing when a step fails. */
import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Backend, BackendId, Handle, Host, Identity, Spec } from '../../isolation/contract.js';
import { endRun, groupPath, parseRef, select } from '../../isolation/index.js';
import { asTenementError, errnoOf, TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import { commandWords } from '../config/command.js';
import { readEnvFile } from '../config/env-file.js';
import { instanceEnv, instanceHome } from '../config/instance-env.js';
import { notYet, notYetError } from '../config/not-yet.js';
import type { Config, ServiceConfig } from '../config/schema.js';
import { fillTemplate } from '../config/template.js';
import type { Logs } from '../logs/types.js';
import type { Registry } from '../state/types.js';
import { identityFor } from './identity.js';
import { giveData } from './instance-data.js';
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
/** What the proxy answers when a start fails. */
const START_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);
/** For a process that has never served anybody. */
const STRAY_GRACE_MS = 2000;
/** For one whose service is not in the config any more. */
const STOP_TIMEOUT_SECS = 10;

interface Provision {
  readonly service: ServiceConfig;
  readonly backend: Backend;
  readonly identity: Identity | undefined;
  readonly port: number;
}

export class Launcher {
  readonly #deps: LauncherDeps;

  constructor(deps: LauncherDeps) {
    this.#deps = deps;
  }

  /**
   * Starts the process of an instance; its ref is saved when this resolves. When it rejects nothing is left behind.
   * @throws TenementError not_found when the config has no such service; else one of the codes under "starting and stopping"
   */
  async launch(key: InstanceKey, signal: AbortSignal): Promise<Handle> {
    const service = this.#service(key);
    try {
      const backend = this.#backend(service);
      await this.settle(key);
      const identity = await this.#identity(key, service);
      const port = await this.#deps.ports.allocate();
      return await this.#launch(key, { service, backend, identity, port }, signal);
    } catch (error) {
      throw wrapped(key, error);
    }
  }

  async #launch(
    key: InstanceKey,
    { service, backend, identity, port }: Provision,
    signal: AbortSignal,
  ): Promise<Handle> {
    const { registry, ports, logs, host } = this.#deps;
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
      throw error;
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

  /**
   * Sees to it that no earlier process of an instance lives that no handle holds: what is proven to be its own, by a ref or by the trace of
   * a start during which the server died, is ended. Call only while nothing of the instance runs by our knowledge. Returns whether there was anything.
   *
   * Two processes on one SQLite file destroy it, and data must not be moved away under one that lives.
   * @throws TenementError unproven_process
   */
  async settle(key: InstanceKey): Promise<boolean> {
    const { registry } = this.#deps;
    const run = registry.run(key);
    if (run === undefined) return false;
    const reason = await this.#endEarlier(key, run);
    if (reason !== undefined) {
      throw new TenementError(
        'unproven_process',
        `${formatKey(key)} is neither started nor removed: ${reason}`,
      );
    }
    registry.clearRun(key);
    return true;
  }

  /** Why an earlier process may still live, or undefined when it provably does not. */
  async #endEarlier(
    key: InstanceKey,
    run: NonNullable<ReturnType<Registry['run']>>,
  ): Promise<string | undefined> {
    const { backends, host, config } = this.#deps;
    if (run.ref !== undefined) {
      const ref = parseRef(run.ref);
      const adoption = ref === undefined ? undefined : await backends.get(ref.backend)?.adopt(ref);
      if (adoption === undefined) return 'what was saved of its last process is not of this version';
      if (adoption.kind === 'unproven') return adoption.reason;
      if (adoption.kind === 'adopted') {
        const graceSecs = config().service[key.service]?.stop_timeout ?? STOP_TIMEOUT_SECS;
        await adoption.handle.stop({ graceMs: graceSecs * 1000 });
      }
      return undefined;
    }
    if (run.trace === undefined) return undefined;
    const left = await endRun(run.trace, host, STRAY_GRACE_MS);
    if (left.length === 0) return undefined;
    return `pids ${left.join(', ')} were started for it by a server that died, and could not be ended`;
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

  async #spec(
    key: InstanceKey,
    service: ServiceConfig,
    identity: Identity | undefined,
    port: number,
  ): Promise<Spec> {
    const { config, registry, logs, env, publicUrl } = this.#deps;
    const { data_dir } = config().settings;
    await giveData(this.#deps, key, identity);
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

/**
 * Whatever keeps an instance from starting reaches visitors, too: as a failed start (502) and not with the status that its cause has
 * elsewhere, such as 422 for an env_file that is gone.
 */
function wrapped(key: InstanceKey, error: unknown): TenementError {
  if (error instanceof TenementError && START_STATUSES.has(error.status)) return error;
  const cause = asTenementError(error);
  const hint = error instanceof TenementError ? error.hint : hintFor(error);
  return new TenementError('start_failed', `${formatKey(key)} could not be started: ${cause.message}`, {
    ...(hint === undefined ? {} : { hint }),
    details: cause.details,
    cause: error,
  });
}

function hintFor(error: unknown): string | undefined {
  const full = ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(errnoOf(error) ?? '');
  return full ? 'Free some space on the disk of the data directory; `df` shows what is full.' : undefined;
}
