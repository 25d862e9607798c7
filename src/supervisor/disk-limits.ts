/** Disk quotas that the kernel holds instances to, where the file system of the data directory has quotas of projects. */
import { existsSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { asTenementError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { formatKey, type InstanceKey } from '../base/names.js';
import { instancePaths } from '../config/data-paths.js';
import type { DataPathRow } from '../state/types.js';
import { type DataDeps, sharers } from './instance-data.js';

/** What a file system with quotas of projects can do (storage/project-quotas.ts). Sizes in bytes. */
export interface ProjectLimits {
  assign(directories: readonly string[], project: number): Promise<void>;
  release(paths: readonly string[]): Promise<void>;
  limit(project: number, bytes: number | undefined): Promise<void>;
}

export interface DiskLimitsDeps extends DataDeps {
  readonly log: Log;
  /** Asked when the first quota is met; undefined: quotas are only measured here. */
  readonly find: () => Promise<ProjectLimits | undefined>;
  /** The quota of an instance by the config in force, bytes; undefined: unlimited. */
  readonly quota: (key: InstanceKey) => number | undefined;
}

/**
 * The directories of an instance are one project, whose number is the uid recorded for the instance (whether or not it runs as that
 * user): such numbers are not given twice, so nobody inherits a stranger's files in the accounts.
 *
 * A directory that instances share is left out: it can be in one project only, and one would pay for all.
 */
export class DiskLimits {
  readonly #deps: DiskLimitsDeps;
  /** What this server has told the kernel, bytes. */
  readonly #told = new Map<string, number | undefined>();

  constructor(deps: DiskLimitsDeps) {
    this.#deps = deps;
  }

  /**
   * Before a start, when its directories exist and nothing of it runs: what walks through them as root must not meet an app that
   * exchanges them for links. `place`: a new directory for one run, in which it may write as well.
   * @throws TenementError when the kernel has such quotas, but refuses this one: a configured limit is never silently absent
   */
  async prepare(key: InstanceKey, place?: string): Promise<void> {
    const quota = this.#deps.quota(key);
    if (quota === undefined && !this.isCounted(key)) return;
    const limits = await this.#deps.find();
    if (limits === undefined) return;
    const project = this.#project(key);
    await this.#tell(key, limits, quota);
    await this.#releaseShared(key, limits);
    if (quota === undefined) return;
    const { data_dir } = this.#deps.config().settings;
    const { dev } = await lstat(data_dir, { bigint: true });
    // Attack: what is beside its socket would be in nobody's account.
    if (place !== undefined) await limits.assign([place], project);
    const counted = new Map(this.#rows(key).map((row) => [row.path, row.counted]));
    for (const path of this.#unshared(key)) {
      const directory = join(data_dir, path);
      const stats = await lstat(directory, { bigint: true });
      // Somebody has mounted another disk there.
      if (stats.dev !== dev) continue;
      // A directory that was put back from a backup, or made anew, is another one.
      const mark = `${project}:${stats.ino}:${stats.birthtimeNs}`;
      if (counted.get(path) === mark) continue;
      await limits.assign([directory], project);
      this.#deps.registry.markCounted(path, mark);
    }
  }

  /** The config has changed: what runs learns its new limit. One that had none so far gets it with its next start. */
  async refresh(keys: Iterable<InstanceKey>): Promise<void> {
    for (const key of keys) {
      if (!this.isCounted(key)) continue;
      try {
        const limits = await this.#deps.find();
        if (limits !== undefined) await this.#tell(key, limits, this.#deps.quota(key));
      } catch (error) {
        this.#warn(key, error);
      }
    }
  }

  /** Whether the kernel counts what is in its directories. */
  isCounted(key: InstanceKey): boolean {
    return this.#rows(key).some(({ counted }) => counted !== undefined);
  }

  /** The data of one that was counted has been removed, or moved to `trash`: that is not the next one's of this name. */
  async lift(key: InstanceKey, trash: string | undefined): Promise<void> {
    try {
      const limits = await this.#deps.find();
      if (trash !== undefined) await limits?.release([trash]);
      await limits?.limit(this.#project(key), undefined);
      this.#told.delete(formatKey(key));
    } catch (error) {
      this.#warn(key, error);
    }
  }

  async #tell(key: InstanceKey, limits: ProjectLimits, quota: number | undefined): Promise<void> {
    const name = formatKey(key);
    if (this.#told.has(name) && this.#told.get(name) === quota) return;
    this.#told.delete(name);
    await limits.limit(this.#project(key), quota);
    this.#told.set(name, quota);
  }

  /** What has become shared since it was counted. */
  async #releaseShared(key: InstanceKey, limits: ProjectLimits): Promise<void> {
    const { config, registry } = this.#deps;
    for (const { path, kind, counted } of this.#rows(key)) {
      if (counted === undefined || kind !== 'directory' || !this.#isShared(key, path)) continue;
      const directory = join(config().settings.data_dir, path);
      if (existsSync(directory)) await limits.release([directory]);
      registry.markCounted(path, undefined);
    }
  }

  #unshared(key: InstanceKey): string[] {
    return instancePaths(this.#deps.config(), key.service, key.id)
      .filter(({ kind, path }) => kind === 'directory' && !this.#isShared(key, path))
      .map(({ path }) => path);
  }

  #isShared(key: InstanceKey, path: string): boolean {
    return sharers(this.#deps, key, { kind: 'directory', path }).length > 0;
  }

  #rows(key: InstanceKey): DataPathRow[] {
    return this.#deps.registry.dataPaths(key);
  }

  #project(key: InstanceKey): number {
    return this.#deps.registry.uidFor(key, this.#deps.config().settings.uid_range);
  }

  #warn(key: InstanceKey, error: unknown): void {
    const { message } = asTenementError(error);
    this.#deps.log.warn({ instance: formatKey(key) }, `its disk quota was not changed: ${message}`);
  }
}
