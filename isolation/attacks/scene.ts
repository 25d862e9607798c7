/** What is attacked: the directory of a server as in real use, the app and the data side by side in it, and what else a machine has. */
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Identity, Limits, Network, Spec } from '../contract.js';
import type { Targets } from './inside/attempt.js';

export interface SceneOptions {
  readonly network: Network;
  readonly newIdentity?: (() => Identity) | undefined;
  /** Nothing else on loopback may be reached (Spec.allowLocal). */
  readonly guarded: boolean;
  /**
   * Secrets are readable for all, as by an accident: isolation has to hold without the modes of files. Without it they have the modes that the
   * server gives them.
   */
  readonly careless: boolean;
  /** As in Targets. */
  readonly waitMs: number;
}

const TENANTS = ['alice', 'bob', 'carol'] as const;
export type Tenant = (typeof TENANTS)[number];
const PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';
const INSIDE = fileURLToPath(new URL('./inside', import.meta.url));

export class Scene {
  readonly mark = `${process.pid}-${Math.random().toString(36).slice(2)}`;
  readonly port: number;
  readonly #options: SceneOptions;
  readonly #base: string;
  readonly #identities = new Map<Tenant, Identity>();
  readonly #servers: Server[];
  readonly #shmMarker: string;

  /** @throws the errors of the file system; then nothing is left */
  static async make(options: SceneOptions): Promise<Scene> {
    const base = realpathSync(mkdtempSync(join(tmpdir(), `tenement-attacks-${process.pid}-`)));
    try {
      const [management, free] = await Promise.all([listen({ port: 0, host: '127.0.0.1' }), freePort()]);
      const scene = new Scene(options, base, management, free);
      try {
        await scene.#build();
        return scene;
      } catch (error) {
        scene.remove();
        throw error;
      }
    } catch (error) {
      rmSync(base, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(options: SceneOptions, base: string, management: Server, port: number) {
    this.#options = options;
    this.#base = base;
    this.#servers = [management];
    this.port = port;
    this.#shmMarker = `/dev/shm/tenement-attacks-${this.mark}`;
  }

  get #data(): string {
    return join(this.#base, 'app/tenement-data');
  }

  async #build(): Promise<void> {
    chmodSync(this.#base, 0o711);
    cpSync(INSIDE, join(this.#base, 'app'), { recursive: true });
    writeFileSync(join(this.#base, 'app/package.json'), '{"type":"module"}');
    for (const dir of ['notes', '.tenement']) mkdirSync(join(this.#data, dir), { recursive: true });
    for (const tenant of TENANTS) {
      const dir = join(this.#data, 'notes', tenant);
      mkdirSync(dir, { mode: 0o700 });
      const identity = this.#options.newIdentity?.();
      if (identity === undefined) continue;
      this.#identities.set(tenant, identity);
      chownSync(dir, identity.uid, identity.gid);
    }
    for (const path of this.#secrets)
      writeFileSync(path, 'secret', { mode: this.#options.careless ? 0o644 : 0o600 });
    if (!this.#options.careless) {
      chmodSync(join(this.#data, '.tenement'), 0o700);
      for (const dir of [this.#data, join(this.#data, 'notes')]) chmodSync(dir, 0o711);
    }
    for (const path of [this.#shmMarker, join(this.#base, 'marker')]) writeFileSync(path, 'here');
    const secret = join(this.#data, 'notes/bob/secret');
    writeFileSync(secret, 'here', { mode: this.#options.careless ? 0o644 : 0o600 });
    const bob = this.#identities.get('bob');
    if (bob !== undefined) chownSync(secret, bob.uid, bob.gid);
    this.#servers.push(
      await listen({ path: this.#managementSocket }),
      await listen({ path: `\0${this.#abstract}` }),
    );
    chmodSync(this.#managementSocket, 0o600);
  }

  /** Everything but what the instances left running. */
  remove(): void {
    for (const server of this.#servers) server.close();
    rmSync(this.#shmMarker, { force: true });
    rmSync(this.#base, { recursive: true, force: true });
  }

  get outliveMark(): string {
    return `outlive-${this.mark}`;
  }

  get #secrets(): string[] {
    return ['tenement.toml', 'tenement-data/api_token', 'tenement-data/.tenement/tenement.db'].map((path) =>
      join(this.#base, 'app', path),
    );
  }

  get #managementSocket(): string {
    return join(this.#base, 'ten.sock');
  }

  get #abstract(): string {
    return `tenement-attacks-${this.mark}`;
  }

  victim(): Spec {
    return this.#spec('bob', ['victim.js', `sibling-${this.mark}`], {
      PORT: String(this.port),
      SECRET: `bobs-${this.mark}`,
    });
  }

  /** `pids` of the attacker; 0: not limited. */
  attacker(victim: number, pids: number): Spec {
    const management = this.#servers[0]?.address() as { port: number };
    const targets: Targets = {
      siblingFiles: [join(this.#data, 'notes/bob/secret')],
      siblingDirectories: [join(this.#data, 'notes/bob')],
      dataRoots: [this.#data, join(this.#data, 'notes')],
      secrets: this.#secrets,
      serverMark: process.argv[1] ?? 'node',
      siblingMark: `sibling-${this.mark}`,
      siblingSecret: [...`bobs-${this.mark}`].reverse().join(''),
      ownPath: join(this.#data, 'notes/alice'),
      siblingPids: [victim, process.pid],
      siblingPort: this.port,
      waitMs: this.#options.waitMs,
      managementPort: management.port,
      abstractName: this.#abstract,
      managementSocket: this.#managementSocket,
      tmpMarker: join(this.#base, 'marker'),
      shmMarker: this.#shmMarker,
      readOnly: [join(this.#base, 'app')],
      outliveMark: this.outliveMark,
      pidsLimit: pids,
    };
    const limits = pids === 0 ? {} : { pids };
    return this.#spec('alice', ['main.js'], { TARGETS: JSON.stringify(targets) }, limits);
  }

  greedy(limits: Limits): Spec {
    return this.#spec('carol', ['greedy.js'], { MEMORY: String(limits.memoryBytes ?? 0) }, limits);
  }

  read(tenant: Tenant, stream: 'stdout' | 'stderr'): string {
    try {
      return readFileSync(this.#log(tenant, stream), 'utf8');
    } catch {
      return '';
    }
  }

  #log(tenant: Tenant, stream: string): string {
    return join(this.#base, `${tenant}.${stream}`);
  }

  #spec(
    tenant: Tenant,
    [script = '', ...args]: readonly string[],
    env: Record<string, string>,
    limits?: Limits,
  ): Spec {
    const own = join(this.#data, 'notes', tenant);
    const { network, guarded } = this.#options;
    return {
      // A unit of systemd has its name of these: it must not be that of a real instance.
      service: `probe-${this.mark}`,
      tenant,
      run: `${tenant}-${this.mark}`,
      command: [process.execPath, join(this.#base, 'app', script), ...args],
      env: { PATH, ...env },
      directory: join(this.#base, 'app'),
      identity: this.#identities.get(tenant),
      address: { host: '127.0.0.1', port: tenant === 'bob' ? this.port : 1 },
      log: { stdout: this.#log(tenant, 'stdout'), stderr: this.#log(tenant, 'stderr') },
      group: `attacks-${tenant}-${this.mark}`,
      files: {
        readOnly: [],
        writable: [own],
        hidden: [this.#data, join(this.#base, 'app/tenement.toml')],
        home: join(own, 'home'),
      },
      network,
      ...(guarded && { allowLocal: [] }),
      ...(limits !== undefined && { limits }),
      hostname: `${tenant}-notes`,
    };
  }
}

/** Above those that the system gives by itself: until the victim listens there, whoever asks for any port or connects to something could get it. */
async function freePort(): Promise<number> {
  const above = () => 61_000 + Math.floor(Math.random() * 4_500);
  const server =
    (await listen({ port: above(), host: '127.0.0.1' }).catch(() => undefined)) ??
    (await listen({ port: 0, host: '127.0.0.1' }));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listen(options: { port: number; host: string } | { path: string }): Promise<Server> {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, resolve);
  });
  return server.unref();
}
