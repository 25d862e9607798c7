import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { type CommandResult, cleanEnv, type Reply, send, TEN } from './example-server.js';
import { freePort } from './free-port.js';
import { patience } from './patience.js';
import { until } from './until.js';

/**
 * A `ten serve` as a service of a machine's systemd that outlives the test which starts it: for tests of a restart of the machine. Its
 * directory and port are known to a later test by the directory's name.
 */
export class MachineServer {
  readonly #directory: string;
  readonly #unit: string;

  constructor(directory: string, unit: string) {
    this.#directory = directory;
    this.#unit = unit;
  }

  async prepare(toml: string): Promise<void> {
    mkdirSync(join(this.#directory, 'work'), { recursive: true });
    writeFileSync(join(this.#directory, 'tenement.toml'), toml);
    writeFileSync(join(this.#directory, 'port'), String(await freePort()));
  }

  get #port(): number {
    return Number(readFileSync(join(this.#directory, 'port'), 'utf8'));
  }

  async start(): Promise<void> {
    const properties = ['Delegate=yes', `WorkingDirectory=${this.#directory}`, 'TimeoutStopSec=60s'];
    const serve = [...TEN, 'serve', '--port', String(this.#port)];
    const options = [
      '--collect',
      `--unit=${this.#unit}`,
      ...properties.map((property) => `--property=${property}`),
    ];
    await execa('systemd-run', [...options, '--', ...serve]);
    await until('the server answers', () => this.#answers(), patience(60_000));
  }

  async #answers(): Promise<boolean> {
    const { exitCode } = await execa('systemctl', ['is-active', this.#unit], { reject: false });
    if (exitCode !== 0) {
      const { stdout } = await execa('journalctl', ['--no-pager', '--lines=20', `--unit=${this.#unit}`]);
      throw new Error(`the server ended: ${stdout}`);
    }
    return this.get('localhost', '/health').then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  get(host: string, path: string): Promise<Reply> {
    return send(this.#port, host, path);
  }

  async stop(): Promise<void> {
    await execa('systemctl', ['stop', this.#unit], { reject: false });
  }

  async ten(...args: string[]): Promise<CommandResult> {
    const options = { cwd: this.#directory, reject: false, env: cleanEnv(), extendEnv: false } as const;
    const { exitCode, stdout, stderr } = await execa(TEN[0], [TEN[1], ...args], options);
    return { exitCode, stdout, stderr };
  }
}
