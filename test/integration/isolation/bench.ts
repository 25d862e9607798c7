/** Where the conformance suite's instances live: a directory that any user can reach, with its own copy of the fixture apps. */
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend, Handle, Host, Identity, Spec } from '../../../isolation/contract.js';
import { packageRoot } from '../../../src/base/package-root.js';

export const SYSTEM_PATH = '/usr/bin:/bin';

export interface Teardown {
  teardown(action: () => Promise<void> | void): void;
}

export class Bench {
  readonly directory: string;
  readonly #identity: Identity | undefined;
  #count = 0;

  constructor(t: Teardown, identity?: Identity) {
    this.#identity = identity;
    this.directory = mkdtempSync(join(tmpdir(), 'tenement-isolation-'));
    t.teardown(() => rmSync(this.directory, { recursive: true, force: true }));
    chmodSync(this.directory, 0o711);
    cpSync(join(packageRoot, 'test/fixtures/apps'), join(this.directory, 'apps'), { recursive: true });
    mkdirSync(join(this.directory, 'work'), { mode: 0o700 });
    if (identity !== undefined) chownSync(join(this.directory, 'work'), identity.uid, identity.gid);
  }

  /** argv of a fixture app, without its ending. */
  app(name: string): [string, ...string[]] {
    return [process.execPath, join(this.directory, 'apps', `${name}.mjs`)];
  }

  work(name: string): string {
    return join(this.directory, 'work', name);
  }

  spec(command: readonly [string, ...string[]], env: Record<string, string> = {}): Spec {
    this.#count += 1;
    const unique = `test-${process.pid}-${this.#count}-${Math.random().toString(36).slice(2)}`;
    return {
      service: 'notes',
      // Of systemd's units there can be but one of a name.
      tenant: unique,
      run: unique,
      command,
      env: { PATH: SYSTEM_PATH, ...env },
      directory: join(this.directory, 'work'),
      identity: this.#identity,
      address: { host: '127.0.0.1', port: Number(env.PORT ?? 1) },
      log: { stdout: join(this.directory, 'stdout.log'), stderr: join(this.directory, 'stderr.log') },
      group: unique,
      files: {
        readOnly: [join(this.directory, 'apps')],
        writable: [join(this.directory, 'work')],
        hidden: [],
        home: join(this.directory, 'work', 'home'),
      },
    };
  }

  stdout(): string {
    return read(join(this.directory, 'stdout.log'));
  }

  stderr(): string {
    return read(join(this.directory, 'stderr.log'));
  }
}

/** Starts and, whatever happens to the test, ends it. */
export async function start(t: Teardown, backend: Backend, spec: Spec): Promise<Handle> {
  const handle = await backend.spawn(spec, new AbortController().signal);
  t.teardown(() => handle.stop({ graceMs: 0 }));
  return handle;
}

/** Whether a process lives, zombies not counted. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = read(`/proc/${pid}/stat`);
  return stat === '' || !/\) [ZX] /.test(stat);
}

export function read(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** The group's directory must be gone after a stop. */
export function groupExists(host: Host, spec: Spec): boolean {
  return host.cgroupRoot !== undefined && existsSync(join(host.cgroupRoot, 'tenement', spec.group));
}
