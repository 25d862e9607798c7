/** From config and registry to a running process: everything that a start needs, in order, and its undoing when a step fails. */
import type { Backend, BackendId, Handle, Host, Identity } from '../../isolation/contract.js';
import { endRun, groupPath, parseRef, select, socketPath } from '../../isolation/index.js';
import { asTenementError, TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import type { ServiceConfig } from '../config/schema.js';
import type { Registry } from '../state/types.js';
import { isIsolated } from './confinement.js';
import type { DiskLimits } from './disk-limits.js';
import { closeEndpoint, type Endpoint, openEndpoint, standingEndpoint } from './endpoint.js';
import { identityFor } from './identity.js';
import type { Ports } from './ports.js';
import { checkReach } from './reach.js';
import { buildSpec, type SpecDeps } from './spec.js';
import { digestsOf } from './started-with.js';

export interface LauncherDeps extends SpecDeps {
  readonly ports: Ports;
  readonly backends: ReadonlyMap<BackendId, Backend>;
  readonly host: Host;
  /** Connections to its socket start it from now on. */
  readonly onListen?: (key: InstanceKey) => void;
  /** It is about to be started, and nothing of it runs. */
  readonly onLaunch?: (key: InstanceKey) => Promise<void>;
  readonly diskLimits?: DiskLimits;
}

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
  readonly endpoint: Endpoint;
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
      await this.#deps.onLaunch?.(key);
      const identity = await this.#identity(key, service);
      const endpoint = await this.#endpoint(key, service, backend, identity);
      return await this.#launch(key, { service, backend, identity, endpoint }, signal);
    } catch (error) {
      throw wrapped(key, error);
    }
  }

  /** Has the socket of an instance listened on without starting it. @throws TenementError as `launch` */
  async listen(key: InstanceKey): Promise<void> {
    const service = this.#service(key);
    const backend = this.#backend(service);
    if (backend.sockets === undefined) return;
    const identity = await this.#identity(key, service);
    const endpoint = await this.#endpoint(key, service, backend, identity);
    const spec = await buildSpec(this.#deps, key, { service, identity, endpoint });
    // No server may come between a connection and its first process. Whose socket is open already may run any moment: not while it does.
    if ((await backend.sockets.known(spec)) === undefined) await this.#deps.diskLimits?.prepare(key);
    await backend.sockets.open(spec);
    this.#deps.registry.saveStartedWith(key, { run: undefined, digests: digestsOf(service) });
    this.#deps.onListen?.(key);
  }

  async #endpoint(
    key: InstanceKey,
    service: ServiceConfig,
    { sockets }: Backend,
    identity: Identity | undefined,
  ): Promise<Endpoint> {
    const { ports, config } = this.#deps;
    if (sockets === undefined) return openEndpoint(service, identity, ports, config().settings.data_dir);
    const name = { service: key.service, tenant: key.id };
    return standingEndpoint(service, socketPath(name), await sockets.known(name), ports);
  }

  async #launch(
    key: InstanceKey,
    { service, backend, identity, endpoint }: Provision,
    signal: AbortSignal,
  ): Promise<Handle> {
    const { registry, ports, logs, host } = this.#deps;
    try {
      const spec = await buildSpec(this.#deps, key, { service, identity, endpoint });
      await this.#deps.diskLimits?.prepare(key, endpoint.directory);
      // An isolated one reaches what is mounted for it, wherever that is.
      if (identity !== undefined && !isIsolated(service)) {
        await checkReach({ command: spec.command[0], directory: spec.directory, env: spec.env, identity });
      }
      signal.throwIfAborted();
      // Saved first: should we die between the start and saving its ref, the next server knows what to look for.
      registry.saveTrace(key, { run: spec.run, cgroup: groupPath(host, spec.group) });
      const handle = await backend.spawn(spec, signal);
      if (backend.sockets !== undefined) this.#deps.onListen?.(key);
      await this.#save(key, handle, service);
      await checkFreezer(service, handle);
      return handle;
    } catch (error) {
      if (backend.sockets === undefined) await closeEndpoint(endpoint.address, ports).catch(() => {});
      await logs.close(key).catch(() => {});
      registry.clearRun(key);
      throw error;
    } finally {
      endpoint.socket?.close();
    }
  }

  /** A process whose ref cannot be saved (full disk) is ended: the next server would not know it, and start a second one. */
  async #save(key: InstanceKey, handle: Handle, service: ServiceConfig): Promise<void> {
    try {
      this.#deps.registry.saveStartedWith(key, { run: handle.ref.run, digests: digestsOf(service) });
      this.#deps.registry.saveRef(key, handle.ref);
    } catch (error) {
      await handle.stop({ graceMs: 0 });
      throw error;
    }
  }

  /** Nothing of that process is left. */
  async gone(key: InstanceKey, handle: Handle): Promise<void> {
    this.#deps.registry.clearRun(key);
    // That of a socket that outlives its runs stays as well.
    if (this.#deps.backends.get(handle.ref.backend)?.sockets === undefined)
      await closeEndpoint(handle.address, this.#deps.ports);
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
    return service;
  }

  #backend(service: ServiceConfig): Backend {
    const { backends, host } = this.#deps;
    // The config that is carried out has no "auto" any more (resolve-auto.ts).
    return select(
      backends,
      service.isolation === 'auto' ? 'sandbox' : service.isolation,
      host,
      service.sandbox,
    );
  }

  #identity(key: InstanceKey, service: ServiceConfig): Promise<Identity | undefined> {
    const { config, host, registry } = this.#deps;
    // What runs as root like the server is not kept apart from anything.
    const user = service.user === '' && host.root && isIsolated(service) ? 'auto' : service.user;
    return identityFor(user, key, config().settings.uid_range, host, registry);
  }
}

/** To stop what was to be frozen would be a silent fallback: its customers would wait for starts that they were promised not to. */
async function checkFreezer(service: ServiceConfig, handle: Handle): Promise<void> {
  if (service.idle_action !== 'freeze' || handle.freezer !== undefined) return;
  await handle.stop({ graceMs: 0 });
  throw new TenementError(
    'isolation_unavailable',
    `idle_action = "freeze" does not work here with isolation = "${service.isolation}": its processes cannot be held`,
    { hint: 'Write `idle_action = "stop"` for the service.' },
  );
}

/**
 * Whatever keeps an instance from starting reaches visitors, too: as a failed start (502) and not with the status that its cause has
 * elsewhere, such as 422 for an env_file that is gone.
 */
function wrapped(key: InstanceKey, error: unknown): TenementError {
  if (error instanceof TenementError && START_STATUSES.has(error.status)) return error;
  const cause = asTenementError(error);
  return new TenementError('start_failed', `${formatKey(key)} could not be started: ${cause.message}`, {
    // That of a fault of ours says nothing of this start.
    ...(cause.code !== 'internal' && { hint: cause.hint }),
    details: cause.details,
    // Whose trouble it is is told by its code (isOurTrouble).
    cause: cause.code === 'internal' ? error : cause,
  });
}
