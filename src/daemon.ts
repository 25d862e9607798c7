/** The composition root: the only file that puts config, state, supervisor, proxy and API together. */
import { networkInterfaces } from 'node:os';
import {
  allListening,
  closeInheritedFds,
  createBackends,
  probeHost,
  watchRules,
} from '../isolation/index.js';
import { inheritedSockets } from '../systemd/listen-fds.js';
import { createMetrics } from './api/metrics.js';
import { createApi } from './api/server.js';
import { systemClock } from './base/clock.js';
import { TenementError } from './base/errors.js';
import { createLog } from './base/log.js';
import { Mutex } from './base/mutex.js';
import { formatKey, type InstanceKey } from './base/names.js';
import { version } from './base/package-root.js';
import { removeSocketDirectory } from './base/socket-path.js';
import { whenBusIsBack } from './bus-return.js';
import { checkUsers } from './config/check-users.js';
import { instanceLocations } from './config/data-paths.js';
import type { Config } from './config/schema.js';
import { openControlSocket } from './control-socket.js';
import { ensureAdminToken } from './first-start.js';
import { installedNeeds } from './install/record.js';
import { createLogs } from './logs/logs.js';
import { OperatorWarnings } from './operator-warnings.js';
import { type OwnServer, openOwnServer } from './own-server.js';
import { planeConfig } from './plane-config.js';
import { type Plane, startPlane } from './proxy/plane/plane.js';
import { chooseIsolation, readConfig } from './serve-config.js';
import { listenAddresses, publicDomain, type ServeOptions } from './serve-options.js';
import { ServiceManager } from './service-manager.js';
import { signalReload } from './signal-reload.js';
import { stopRequested, untilSignal, whenHurried } from './signals.js';
import { lockDataDir } from './state/lock.js';
import { openStore } from './state/store.js';
import { projectQuotasOnce } from './storage/project-quotas.js';
import { createUsageMeter } from './storage/usage.js';
import { Activation } from './supervisor/activation.js';
import {
  adoptRunning,
  registerListed,
  startAll,
  startListed,
  stopOrphans,
  wantedAtBoot,
} from './supervisor/boot.js';
import { prepareDataRoot } from './supervisor/directories.js';
import { DiskLimits } from './supervisor/disk-limits.js';
import { writablePlace } from './supervisor/endpoint.js';
import { Launcher } from './supervisor/launcher.js';
import { Operations } from './supervisor/operations.js';
import { renewOutdated } from './supervisor/outdated.js';
import { Ports } from './supervisor/ports.js';
import { Quotas } from './supervisor/quotas.js';
import { Registration } from './supervisor/registration.js';
import { needsRestart } from './supervisor/reload.js';
import { type EvictionDeps, evictFromOwnPorts, evictSquatters } from './supervisor/squatters.js';
import { Supervisor } from './supervisor/supervisor.js';
import { SupervisedUpstreams } from './supervisor/upstreams.js';
import { startAdvice } from './unit-advice.js';

/** How long open requests to the API itself may take at the end. */
const CLOSE_GRACE_MS = 2000;

/**
 * Runs the server until SIGTERM or SIGINT has stopped every instance.
 * @throws TenementError before anything was started: config, lock, addresses
 */
export async function serve(options: ServeOptions): Promise<void> {
  closeInheritedFds();
  const log = createLog();
  const clock = systemClock;
  const manager = new ServiceManager({ env: process.env, pid: process.pid, clock, log });
  const unitFor = (path: string) => (manager.unit === undefined ? undefined : installedNeeds(path));
  const written = readConfig(options, unitFor);
  const { data_dir } = written.settings;

  await prepareDataRoot(data_dir);
  const lock = lockDataDir(data_dir);
  const store = openStore(data_dir);
  const host = await probeHost();
  const backends = createBackends(host, data_dir);
  watchRules((message) => log.warn(message));
  const carryOut = (config: Config) => chooseIsolation(config, backends, host, log);
  let config = carryOut(written);
  const unit = unitFor(config.path);
  const warnings = new OperatorWarnings({ host, log, unit });
  warnings.tell(config);
  const eviction: EvictionDeps = {
    running: () =>
      [...supervisor.instances].flatMap(({ key, handle }) =>
        handle === undefined ? [] : [{ key, ref: handle.ref }],
      ),
    listening: allListening,
    hold: (key, why) => control.evict(key, why),
    log,
  };
  const makeRoom = evictSquatters(eviction);
  const ports = new Ports(config.settings.port_range, undefined, makeRoom);
  const logs = createLogs({ dir: `${data_dir}/.tenement/logs`, log, clock });
  const usage = createUsageMeter({ clock, log });
  const sockets = inheritedSockets(process.env, process.pid);
  const addresses = listenAddresses(options, config, { hasIpv6: hasIpv6(), sockets });
  const domain = publicDomain(options.domain, addresses);
  const publicHost = (key: InstanceKey) =>
    config.routing.tenants === key.service ? `${key.id}.${domain}` : `${key.id}.${key.service}.${domain}`;
  const ended = new AbortController();
  let own: OwnServer | undefined;
  let plane: Plane | undefined;
  let tellPlane = () => {};

  const quota = (key: InstanceKey) => {
    const mb = config.service[key.service]?.storage_quota_mb;
    return mb === undefined ? undefined : mb * 2 ** 20;
  };
  const diskLimits = new DiskLimits({
    config: () => config,
    registry: store.registry,
    log,
    find: projectQuotasOnce(data_dir, log),
    quota,
  });
  const launcher = new Launcher({
    config: () => config,
    registry: store.registry,
    logs,
    ports,
    backends,
    host,
    diskLimits,
    env: process.env,
    publicUrl: (key) => `http://${publicHost(key)}`,
    onListen: (key) => activation.watch(key),
    onLaunch: (key): Promise<void> => activation.close(key),
  });
  const supervisor = new Supervisor({
    clock,
    log,
    registry: store.registry,
    logs,
    launcher,
    config: () => config,
    publicHost,
    publicProto: () => 'http',
    onRest: (key) => activation.look(key),
    onWake: (service) => metrics.observeWake(service),
    onMembers: (service) => plane?.redraw(service),
    onFreeze: (instance) => plane?.dropIdle(instance),
    openRequests: (instance) => plane?.inFlight(instance),
  });
  const { registry } = store;
  const activation = new Activation({
    ...{ supervisor, backends, registry, launcher, ports, logs, log, config: () => config },
  });
  const registration = new Registration(supervisor);
  const quotas = new Quotas({
    clock,
    measure: (key) =>
      usage.measure([
        ...instanceLocations(config, key.service, key.id),
        ...writablePlace(config.service[key.service], supervisor.live(key)?.handle?.address),
      ]),
    quota,
    awake: () => [...supervisor.instances].filter((one) => one.handle !== undefined).map((one) => one.key),
    warn: (key, message) => {
      log.warn({ instance: formatKey(key) }, message);
      logs.note(key, message);
    },
  });
  // Of two reloads the one that has read the file last must be in force last.
  const reloads = new Mutex();
  const control = new Operations({
    supervisor,
    registration,
    quotas,
    diskLimits,
    applyConfig: () =>
      reloads.run(async () => {
        const written = readConfig(options, unitFor);
        await checkUsers(written);
        const before = config;
        const after = carryOut(written);
        const fixed = needsRestart(before, after);
        if (fixed.length > 0) {
          throw new TenementError(
            'conflict',
            `A reload cannot change ${fixed.join(', ')} in [settings]: nothing was changed`,
            {
              hint: 'Restart the server for those.',
            },
          );
        }
        config = after;
        warnings.tell(config);
        tellPlane();
        return { before, after };
      }),
    startListed: (listed) => startListed(supervisor, registration, listed),
    startAdvice: (service) => startAdvice(unit, config, service),
    onForget: (key) => metrics.forget(formatKey(key)),
    activation,
  });
  const reloadNow = control.reload.bind(control);
  control.reload = () => manager.reloading(reloadNow);
  const metrics = createMetrics({ control, refresh: async () => void (await plane?.collect()) });
  const api = createApi({ control, logs, store, metrics, log, version, clock });
  const upstreams = new SupervisedUpstreams(supervisor, registration, quotas);

  try {
    ensureAdminToken(data_dir, store.tokens, clock.now());
    await adoptRunning(supervisor, backends, ports);
    await activation.takeOver();
    await activation.leave();
    const orphans = stopOrphans(supervisor);
    await registerListed(supervisor, registration);
    const ours = await openOwnServer(data_dir, (req, res, address) =>
      api.handle(req, res, { trusted: false, address }),
    );
    own = ours;
    const forPlane = () => planeConfig(config, options.domain, { path: ours.path });
    await evictFromOwnPorts(
      addresses.flatMap((address) => (address.kind === 'tcp' ? address.port : [])),
      eviction,
    );
    const running = await startPlane({
      listen: addresses,
      config: forPlane(),
      upstreams,
      log,
      logLevel: process.env.LOG_LEVEL ?? 'warn',
      onReport: ({ requests }) => metrics.observeRequests(requests),
      onLost: () => {
        log.error('the sockets of the service manager are lost; the next start adopts what runs');
        process.exit(1);
      },
    });
    plane = running;
    tellPlane = () => {
      running.update(forPlane());
      running.reopenLogs();
    };
    const socket = await openControlSocket(data_dir, (req, res) =>
      api.handle(req, res, { trusted: true, address: 'socket' }),
    );
    process.stdout.write(
      `tenement ${version} serves http://${domain} (config ${config.path}, data ${data_dir})\n`,
    );
    // A stop that was asked for while we started: nothing more is started, and what was adopted is stopped.
    const started = stopRequested() ? Promise.resolve() : startAll(supervisor, wantedAtBoot(supervisor));
    const listening = stopRequested() ? Promise.resolve() : activation.restore();
    const renewed = stopRequested() ? Promise.resolve() : renewOutdated(supervisor);
    const back = whenBusIsBack({ host, backends, supervisor, activation, log }, ended.signal);
    const counts = () => {
      const all = [...supervisor.instances];
      return {
        awake: all.filter(({ handle }) => handle !== undefined).length,
        known: store.registry.size(),
        inFlight: all.reduce((sum, { inFlight }) => sum + inFlight, 0),
      };
    };
    manager.ready(counts, () => running.collect());
    const reload = signalReload({ control, audit: store.audit, now: () => clock.now(), log });
    const signal = await untilSignal(() => {
      // Also when the file cannot be loaded: logrotate has moved the log away.
      running.reopenLogs();
      void reload();
    });
    ended.abort();
    const { restart } = await manager.stopping();
    log.info({ signal, restart }, restart ? 'stopping, units stay' : 'stopping all instances');
    const hurried = new Promise<void>((resolve) => {
      whenHurried(() => {
        supervisor.hurry();
        resolve();
      });
    });
    const open = counts().inFlight;
    if (open > 0) log.warn(`waiting for ${open} open requests to end; a second signal cuts them`);
    // Sockets that are not ours outlive us: what comes now waits there for the next server, and is not refused by this one.
    if (sockets.length > 0) {
      api.close();
      const graceMs = longestDrain(config);
      // While the longest of them lasts, we serve on: who waited for the next server would wait for a WebSocket to end.
      const finished = running.finishOpen({ graceMs }).then(() => running.close({ graceMs }));
      await Promise.race([finished, hurried]);
    }
    activation.detach();
    await supervisor.shutdown(({ ref }) => restart && ref.unit !== undefined);
    await Promise.all([orphans, started, listening, renewed, back]);
    // Ends open log streams in order; else the proxy would wait for them.
    api.close();
    await running.close({ graceMs: CLOSE_GRACE_MS });
    await socket.close();
  } finally {
    ended.abort();
    await plane?.close({ graceMs: 0 });
    await own?.close();
    manager.close();
    quotas.close();
    await usage.close();
    await logs.closeAll();
    store.close();
    // Also when the start failed half way.
    removeSocketDirectory(data_dir);
    lock.release();
  }
}

/** Milliseconds. */
function longestDrain(config: Config): number {
  return Math.max(0, ...Object.values(config.service).map(({ drain_timeout }) => drain_timeout * 1000));
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some(({ family }) => family === 'IPv6'));
}
