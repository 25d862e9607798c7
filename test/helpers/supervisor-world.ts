import { createServer } from 'node:net';
import { dirname } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Adoption, Backend, Host } from '../../isolation/contract.js';
import { TenementError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { formatKey, type InstanceKey } from '../../src/base/names.js';
import { loadConfig } from '../../src/config/load.js';
import type { Config } from '../../src/config/schema.js';
import { openStore } from '../../src/state/store.js';
import { startListed } from '../../src/supervisor/boot.js';
import { prepareDataRoot } from '../../src/supervisor/directories.js';
import { DiskLimits, type ProjectLimits } from '../../src/supervisor/disk-limits.js';
import { Launcher } from '../../src/supervisor/launcher.js';
import { Operations } from '../../src/supervisor/operations.js';
import { Ports } from '../../src/supervisor/ports.js';
import { Quotas } from '../../src/supervisor/quotas.js';
import { Registration } from '../../src/supervisor/registration.js';
import { Supervisor } from '../../src/supervisor/supervisor.js';
import { SupervisedUpstreams } from '../../src/supervisor/upstreams.js';
import { configFile, configOf } from './config-file.js';
import { FakeClock } from './fake-clock.js';
import { FakeHandle } from './fake-handle.js';
import { FakeLogs } from './fake-logs.js';

const HOST: Host = {
  platform: process.platform,
  root: false,
  cgroupRoot: undefined,
  controllers: [],
  bootId: 'boot',
  tools: {},
};

/**
 * What a backend would do with the next spawn of an instance: absent means that the process starts and accepts connections; a promise, that it does
 * when that resolves.
 */
export type Behaviour = 'cannot start' | 'never ready' | Promise<void>;

/** The whole supervisor on a real store and real directories; only its processes are not real, and its clock is the test's. */
export async function supervisorWorld(t: ExecutionContext, toml: string, kernel?: ProjectLimits) {
  let config: Config = configOf(t, toml);
  const { data_dir } = config.settings;
  await prepareDataRoot(data_dir);
  const store = openStore(data_dir);
  const clock = new FakeClock();
  const logs = new FakeLogs();
  const address = await listening(t);
  const handles: { name: string; handle: FakeHandle }[] = [];
  const behaviour = new Map<string, Behaviour>();
  const spawned: string[] = [];
  const adoptions: Adoption[] = [];
  const backend: Backend = {
    id: 'process',
    probe: () => ({ supported: true }),
    spawn: async ({ service, tenant, command }) => {
      const name = formatKey({ service, id: tenant });
      const how = behaviour.get(name);
      spawned.push(command.join(' '));
      await (typeof how === 'object' && how);
      if (how === 'cannot start') throw new TenementError('start_failed', 'no such command');
      // Nobody listens on port 1.
      const handle = new FakeHandle(how === 'never ready' ? {} : { address });
      handles.push({ name, handle });
      return handle;
    },
    adopt: async () => adoptions.shift() ?? { kind: 'gone' },
  };
  const backends = new Map([['process' as const, backend]]);
  const ports = new Ports(config.settings.port_range);
  const diskLimits = new DiskLimits({
    config: () => config,
    registry: store.registry,
    log: silentLog,
    find: async () => kernel,
    quota: ({ service }) => {
      const mb = config.service[service]?.storage_quota_mb;
      return mb === undefined ? undefined : mb * 2 ** 20;
    },
  });
  const launcher = new Launcher({
    config: () => config,
    registry: store.registry,
    logs,
    ports,
    backends,
    host: HOST,
    diskLimits,
    env: { PATH: process.env.PATH, HOME: data_dir },
    publicUrl: (key) => `http://${key.id}.localhost`,
  });
  const supervisor = new Supervisor({
    clock,
    log: silentLog,
    registry: store.registry,
    logs,
    launcher,
    config: () => config,
    publicHost: (key) => `${key.id}.localhost`,
    publicProto: () => 'http',
  });
  const registration = new Registration(supervisor);
  const quotas = new Quotas({
    clock,
    measure: async () => 0,
    quota: () => undefined,
    awake: () => [],
    warn: () => {},
  });
  const forgotten: string[] = [];
  /** What would start instances past us: in which order it was ended. */
  const activation: string[] = [];
  let next = config;
  const operations = new Operations({
    supervisor,
    registration,
    quotas,
    diskLimits,
    applyConfig: async () => {
      const before = config;
      config = next;
      return { before, after: next };
    },
    startListed: (listed) => startListed(supervisor, registration, listed),
    onForget: (key) => void forgotten.push(formatKey(key)),
    activation: {
      shut: async (key) => void activation.push(`shut ${formatKey(key)}`),
      close: async (key) => void activation.push(`close ${formatKey(key)}`),
      reopen: async (key) => void activation.push(`reopen ${formatKey(key)}`),
      leave: async () => {},
      renew: async () => {},
    },
  });
  t.teardown(async () => {
    quotas.close();
    const down = supervisor.shutdown();
    // A test that failed may still hold leases: only the drain deadline ends those.
    await clock.advanceAsync(60_000);
    await down;
    store.close();
  });
  return {
    dataDir: data_dir,
    clock,
    registry: store.registry,
    handles,
    /** Command lines, in the order in which a backend was asked for them. */
    spawned,
    /** Where whoever is ready listens. */
    address,
    behaviour,
    adoptions,
    backends,
    ports,
    launcher,
    supervisor,
    registration,
    operations,
    activation,
    upstreams: new SupervisedUpstreams(supervisor, registration, quotas),
    forgotten,
    /** Takes effect with the next reload. */
    setConfig: (text: string) => {
      const changed = loadConfig({ path: configFile(t, text, dirname(config.path)) });
      next = { ...changed, settings: { ...changed.settings, data_dir } };
    },
    alive: () => handles.filter(({ handle }) => !handle.gone).map(({ name }) => name),
  };
}

export const key = (id: string, service = 'notes'): InstanceKey => ({ service, id });

/** A real listener that accepts and says nothing: with no health path that is all that ready means. */
async function listening(t: ExecutionContext): Promise<{ host: string; port: number }> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { host: '127.0.0.1', port: address.port };
}
