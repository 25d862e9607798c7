/** What happens when the server comes up: living processes are adopted first, then what shall run is started. */
import type { Address, Backend, BackendId, Handle, Ref } from '../../isolation/contract.js';
import { parseRef } from '../../isolation/index.js';
import { eachAtOnce } from '../base/at-once.js';
import { asTenementError, isAway, TenementError } from '../base/errors.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import type { InstanceRow } from '../state/types.js';
import { keepEndpoint, sweepEndpoints } from './endpoint.js';
import { recordData } from './instance-data.js';
import type { Ports } from './ports.js';
import type { Registration } from './registration.js';
import { listedIn } from './reload.js';
import type { Supervisor } from './supervisor.js';

/** Starts at once at most: more would only make each of them slower. */
const STARTS_AT_ONCE = 4;
/** Taken over at once at most: most of it is waiting for the service manager or for files, while visitors wait for us. */
const ADOPTIONS_AT_ONCE = 16;

/**
 * Looks at every instance that had a process when the last server ended. Proven the same: adopted. Gone: forgotten. Only traced, because
 * the server died during the start: ended. Unproven: left alone, and its instance refuses to start with the reason (launcher.ts asks
 * again at each start). So is one that could not be looked at: the others are not kept waiting for it.
 */
export async function adoptRunning(
  supervisor: Supervisor,
  backends: ReadonlyMap<BackendId, Backend>,
  ports: Ports,
): Promise<void> {
  const { registry, config } = supervisor.deps;
  const strays: Promise<void>[] = [];
  const saved: Saved[] = [];
  const kept: Address[] = [];
  const keep = (address: Address) => {
    keepEndpoint(address, ports);
    kept.push(address);
  };
  for (const row of registry.all()) {
    // Of a version that recorded no data.
    if (registry.dataPaths(row).length === 0) recordData(supervisor.deps, row);
    const run = registry.run(row);
    if (run === undefined) continue;
    if (run.ref === undefined) strays.push(endStray(supervisor, row));
    else saved.push({ row, ref: parseRef(run.ref) });
  }
  await adoptAll(supervisor, backends, saved, keep);
  await Promise.all(strays);
  await sweepEndpoints(config().settings.data_dir, kept);
}

/** Those that could not be asked for before, as the message bus was away. */
export async function adoptReturned(
  supervisor: Supervisor,
  backends: ReadonlyMap<BackendId, Backend>,
): Promise<void> {
  const { registry } = supervisor.deps;
  const saved = registry.all().flatMap((row): Saved[] => {
    if (supervisor.live(row)?.handle !== undefined) return [];
    const ref = registry.run(row)?.ref;
    return ref === undefined ? [] : [{ row, ref: parseRef(ref) }];
  });
  await adoptAll(supervisor, backends, saved, () => {});
}

interface Saved {
  readonly row: InstanceRow;
  readonly ref: Ref | undefined;
}

/** `keep`: it may live, and listen there. */
async function adoptAll(
  supervisor: Supervisor,
  backends: ReadonlyMap<BackendId, Backend>,
  saved: readonly Saved[],
  keep: (address: Address) => void,
): Promise<void> {
  const { registry, log } = supervisor.deps;
  await eachAtOnce(saved, ADOPTIONS_AT_ONCE, async ({ row, ref }) => {
    const instance = formatKey(row);
    try {
      const adoption = ref === undefined ? undefined : await backends.get(ref.backend)?.adopt(ref);
      if (ref !== undefined && adoption?.kind === 'adopted') {
        keep(ref.address);
        await takeOver(supervisor, row, adoption.handle);
      } else if (adoption?.kind === 'gone') {
        registry.clearRun(row);
      } else {
        const reason =
          adoption?.kind === 'unproven' ? adoption.reason : 'what was saved of it is not of this version';
        log.error({ instance, reason }, LEFT_ALONE);
      }
    } catch (error) {
      if (ref !== undefined) keep(ref.address);
      if (isAway(error))
        log.info({ instance }, `not looked at until the message bus is back: ${error.message}`);
      else log.error({ err: error, instance }, LEFT_ALONE);
    }
  });
}

const LEFT_ALONE = 'a process of an earlier server cannot be proven to be this instance: left alone';

async function takeOver(supervisor: Supervisor, row: InstanceRow, handle: Handle): Promise<void> {
  const { logs, log, clock } = supervisor.deps;
  logs.open(row);
  // Whoever cannot be looked at is thawed, which does no harm to one that runs.
  const frozen = (await handle.freezer?.isFrozen().catch(() => false)) ?? false;
  // Somebody was faster, where others are served already.
  if (supervisor.live(row)?.handle !== undefined) return handle.detach();
  // By the wall clock, which is all that was saved: it is shown, and nothing is decided by it.
  const ageMs = Math.max(0, clock.now() - handle.ref.startedAt);
  supervisor.get(row).adopt(handle, frozen, ageMs);
  log.info({ instance: formatKey(row), pid: handle.ref.pid, frozen }, 'adopted a running process');
}

async function endStray(supervisor: Supervisor, row: InstanceRow): Promise<void> {
  const { launcher, log } = supervisor.deps;
  const instance = formatKey(row);
  try {
    await launcher.settle(row);
    log.info({ instance }, 'nothing is left of a start during which the last server died');
  } catch (error) {
    log.error({ err: error, instance }, 'a process of an earlier server could not be ended');
  }
}

/** Their service left the config while no server ran: what a reload would have stopped is stopped now. Failures are logged. */
export async function stopOrphans(supervisor: Supervisor): Promise<void> {
  const { config, log } = supervisor.deps;
  const orphans = [...supervisor.instances].filter(
    ({ key, handle }) => handle !== undefined && config().service[key.service] === undefined,
  );
  await Promise.all(
    orphans.map(async (one) => {
      const instance = formatKey(one.key);
      log.info({ instance }, 'its service is not in the config any more: it is stopped');
      await one
        .stop(one.want, new TenementError('unknown_host', 'The service was removed from the config'))
        .catch((error: unknown) => log.error({ err: error, instance }, 'could not be stopped'));
    }),
  );
}

/**
 * Registers what [instances] lists and returns what was new. Before the server listens: a request for a listed name must find it,
 * also while others are still starting. Failures are logged, not thrown.
 */
export async function registerListed(
  supervisor: Supervisor,
  registration: Registration,
): Promise<InstanceKey[]> {
  const added: InstanceKey[] = [];
  for (const key of listed(supervisor)) {
    if (supervisor.find(key) !== undefined) continue;
    try {
      await registration.ensure(key, { adoptData: false });
      added.push(key);
    } catch (error) {
      report(supervisor, key, error);
    }
  }
  return added;
}

/**
 * What runs after a boot: what [instances] lists, and what never sleeps and was up when the last server ended, unless that was only
 * because it was listed then. Such a one stays registered, and sleeps.
 */
export function wantedAtBoot(supervisor: Supervisor): InstanceKey[] {
  const { config, registry, log } = supervisor.deps;
  const keys = listed(supervisor);
  const names = new Set(keys.map(formatKey));
  for (const { service, id, want, listed } of registry.all()) {
    const key = { service, id };
    if (config().service[service] === undefined || names.has(formatKey(key)) || want !== 'up') continue;
    if (!listed) keys.push(key);
    // What was adopted runs on.
    else if (supervisor.live(key)?.handle === undefined) {
      supervisor.get(key).setWant('on-demand');
      log.info(
        { instance: formatKey(key) },
        'not started: [instances] does not list it any more; a request wakes it',
      );
    }
  }
  return keys;
}

/** At a reload: what was listed before sleeps or runs as its visitors want it; only what is new, or newly listed, is started. */
export async function startListed(
  supervisor: Supervisor,
  registration: Registration,
  newlyListed: readonly InstanceKey[],
): Promise<void> {
  const added = await registerListed(supervisor, registration);
  const names = new Set(added.map(formatKey));
  await startAll(supervisor, [...added, ...newlyListed.filter((key) => !names.has(formatKey(key)))]);
}

/** Causes of starts, as the log and `ten explain` tell them. */
const LISTED = 'listed in [instances]';
const WAS_UP = 'it was up when the last server ended';

/** Starts these, a few at a time. Failures are logged, not thrown. */
export async function startAll(supervisor: Supervisor, keys: readonly InstanceKey[]): Promise<void> {
  const names = new Set(listed(supervisor).map(formatKey));
  await eachAtOnce(keys, STARTS_AT_ONCE, async (key) => {
    const instance = supervisor.find(key);
    const row = supervisor.deps.registry.get(key);
    if (instance === undefined || isKeptDown(row)) return;
    const isListed = names.has(formatKey(key));
    if (isListed && row?.want !== 'up') supervisor.deps.registry.update(key, { listed: true });
    await instance
      .start(isListed ? 'up' : 'on-demand', isListed ? LISTED : WAS_UP)
      .catch((error: unknown) => report(supervisor, instance.key, error));
  });
}

const listed = (supervisor: Supervisor): InstanceKey[] => listedIn(supervisor.deps.config());

function report(supervisor: Supervisor, key: InstanceKey, error: unknown): void {
  const { code, hint, message } = asTenementError(error);
  supervisor.deps.log.error({ instance: formatKey(key), code, hint }, `not started: ${message}`);
}

/** A hold and `disable` outlive a restart of the server. */
const isKeptDown = (row: InstanceRow | undefined) => row?.want === 'down' || row?.want === 'disabled';
