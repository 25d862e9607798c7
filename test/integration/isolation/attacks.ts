/** What a hostile tenant reaches: run inside a real instance, beside a real sibling and a server's own files and sockets. */

import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext, TestFn } from 'ava';
import type { Backend, Identity, Network, Spec } from '../../../isolation/contract.js';
import { packageRoot } from '../../../src/base/package-root.js';
import { freePort } from '../../helpers/free-port.js';
import { until } from '../../helpers/until.js';
import { read, SYSTEM_PATH, start } from './bench.js';

export interface AttackVariant {
  readonly name: string;
  readonly backend: Backend;
  readonly newIdentity?: () => Identity;
  readonly network: Network;
  /** Attacks that this way of isolating does not stop; all others must fail. */
  readonly open: readonly string[];
}

const WITHIN_HOST_NETWORK = ['sibling port', 'management port', 'abstract socket'];

export function attacks(test: TestFn, variant: AttackVariant): void {
  test(`${variant.name}, network ${variant.network}: what a hostile tenant reaches`, async (t) => {
    const scene = await Scene.make(t, variant);
    const attacker = await start(t, variant.backend, scene.attack());
    t.like(await attacker.exited, { code: 0 }, scene.output('alice'));
    const results: Record<string, unknown> = JSON.parse(read(scene.log('alice', 'stdout')));
    const succeeded = Object.entries(results).filter(([, result]) => result !== false);
    const open = [...variant.open, ...(variant.network === 'host' ? WITHIN_HOST_NETWORK : [])];
    t.deepEqual(
      succeeded.filter(([name]) => !open.includes(name)),
      [],
    );
    t.log(
      `${Object.keys(results).length} attacks, open: ${succeeded.map(([name]) => name).join(', ') || 'none'}`,
    );
  });
}

/** A configuration's directory as in real use: the app and the data side by side in it. */
class Scene {
  readonly #variant: AttackVariant;
  readonly #base = mkdtempSync(join(tmpdir(), 'tenement-attacks-'));
  readonly #identities = new Map<string, Identity>();
  readonly #mark = `${process.pid}-${Math.random().toString(36).slice(2)}`;
  #targets: Record<string, unknown> = {};

  constructor(variant: AttackVariant) {
    this.#variant = variant;
  }

  static async make(t: ExecutionContext, variant: AttackVariant): Promise<Scene> {
    const scene = new Scene(variant);
    t.teardown(() => rmSync(scene.#base, { recursive: true, force: true }));
    await scene.#build(t);
    return scene;
  }

  get #data(): string {
    return join(this.#base, 'app/tenement-data');
  }

  async #build(t: ExecutionContext): Promise<void> {
    chmodSync(this.#base, 0o711);
    cpSync(join(packageRoot, 'test/fixtures/apps'), join(this.#base, 'app'), { recursive: true });
    for (const dir of ['notes', '.tenement']) mkdirSync(join(this.#data, dir), { recursive: true });
    for (const tenant of ['alice', 'bob']) {
      const dir = join(this.#data, 'notes', tenant);
      mkdirSync(dir, { mode: 0o700 });
      const identity = this.#variant.newIdentity?.();
      if (identity === undefined) continue;
      this.#identities.set(tenant, identity);
      chownSync(dir, identity.uid, identity.gid);
    }
    // Readable for all, as by an accident: isolation has to hold without the modes of files.
    const secrets = [
      'app/tenement.toml',
      'app/tenement-data/api_token',
      'app/tenement-data/.tenement/tenement.db',
    ];
    for (const path of secrets) writeFileSync(join(this.#base, path), 'secret');
    const shmMarker = `/dev/shm/tenement-test-${this.#mark}`;
    const tmpMarker = join(this.#base, 'marker');
    for (const path of [shmMarker, tmpMarker]) writeFileSync(path, 'here');
    t.teardown(() => rmSync(shmMarker));
    const managementSocket = join(this.#base, 'ten.sock');
    await listening(t, { path: managementSocket });
    const management = await listening(t, { port: 0, host: '::' });
    const abstractName = `tenement-test-${this.#mark}`;
    await listening(t, { path: `\0${abstractName}` });
    const { port: managementPort } = management.address() as { port: number };

    const siblingPort = await freePort();
    const bob = await start(
      t,
      this.#variant.backend,
      this.#spec('bob', [process.execPath, join(this.#base, 'app/listen.mjs'), `sibling-${this.#mark}`], {
        PORT: String(siblingPort),
        SECRET: `bobs-${this.#mark}`,
      }),
    );
    await until('the sibling listens', () => read(this.log('bob', 'stdout')).includes('listening'));
    const bobs = join(this.#data, 'notes/bob');
    const secretFile = join(bobs, 'secret');
    copyFileSync(tmpMarker, secretFile);
    this.#targets = {
      siblingFiles: [secretFile],
      siblingDirectories: [bobs],
      dataRoots: [this.#data, join(this.#data, 'notes')],
      secrets: secrets.map((path) => join(this.#base, path)),
      serverMark: 'ava',
      siblingMark: `sibling-${this.#mark}`,
      siblingSecret: [...`bobs-${this.#mark}`].reverse().join(''),
      ownPath: join(this.#data, 'notes/alice'),
      siblingPids: [bob.ref.pid, process.pid],
      siblingPort,
      managementPort,
      abstractName,
      managementSocket,
      tmpMarker,
      shmMarker,
      readOnly: [join(this.#base, 'app')],
    };
  }

  attack(): Spec {
    const command = [process.execPath, join(this.#base, 'app/attack.mjs')] as const;
    return this.#spec('alice', command, { TARGETS: JSON.stringify(this.#targets) });
  }

  log(tenant: string, stream: 'stdout' | 'stderr'): string {
    return join(this.#base, `${tenant}.${stream}`);
  }

  output(tenant: string): string {
    return read(this.log(tenant, 'stdout')) + read(this.log(tenant, 'stderr'));
  }

  #spec(tenant: string, command: readonly [string, ...string[]], env: Record<string, string>): Spec {
    const own = join(this.#data, 'notes', tenant);
    return {
      service: 'notes',
      tenant,
      run: `${tenant}-${this.#mark}`,
      command,
      env: { PATH: SYSTEM_PATH, ...env },
      directory: join(this.#base, 'app'),
      identity: this.#identities.get(tenant),
      address: { host: '127.0.0.1', port: Number(env.PORT ?? 1) },
      log: { stdout: this.log(tenant, 'stdout'), stderr: this.log(tenant, 'stderr') },
      group: `test-${tenant}-${this.#mark}`,
      files: {
        readOnly: [],
        writable: [own],
        hidden: [this.#data, join(this.#base, 'app/tenement.toml')],
        home: join(own, 'home'),
      },
      network: this.#variant.network,
      hostname: `${tenant}-notes`,
    };
  }
}

async function listening(
  t: ExecutionContext,
  options: { port: number; host: string } | { path: string },
): Promise<Server> {
  const server = createServer((socket) => socket.end());
  t.teardown(() => new Promise((resolve) => server.close(() => resolve())));
  await new Promise<void>((resolve) => server.listen(options, resolve));
  return server;
}
