import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type Agent, request } from 'node:http';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type CommandResult, cleanEnv, send, TEN } from '../helpers/example-server.js';
import { patience } from '../helpers/patience.js';
import { until } from '../helpers/until.js';

// Accident: outside of the container that run.ts boots, or the machine of test/vm, these tests would install and purge on the developer's own machine.
if (!existsSync('/run/tenement-tests')) throw new Error('run these tests by `npm run test:systemd`');

export const PORT = 8080;
/** Not /tmp: an own one of the service would hide it. */
export const APP = '/srv/tenement-test';

/** An app in a directory of its own, with a configuration that `ten install` takes over. */
export function prepareApp(services: string): void {
  mkdirSync(APP, { mode: 0o755 });
  cpSync('test/fixtures/apps/listen.mjs', join(APP, 'app.mjs'));
  writeFileSync(join(APP, 'tenement.toml'), services, { mode: 0o644 });
}

/** A service whose app answers with its pid. */
export function service(name: string, isolation: string): string {
  const lines = [`command = "node app.mjs"`, `isolation = "${isolation}"`, 'user = "auto"', 'health = "/"'];
  return [`[service.${name}]`, ...lines, `[service.${name}.env]`, 'DIR = "{data_dir}/{name}/{id}"', ''].join(
    '\n',
  );
}

/** The command of this build, as root, in the directory of the app. */
export function ten(...args: string[]): Promise<CommandResult> {
  return run(TEN[0], [TEN[1], ...args]);
}

/** Like `ten`, and fails with what it said when it fails. */
export async function tenDone(t: ExecutionContext, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await ten(...args);
  t.is(exitCode, 0, `ten ${args.join(' ')}: ${stdout}\n${stderr}\n${exitCode === 0 ? '' : await journal()}`);
  return stdout;
}

export async function run(program: string, args: readonly string[], cwd = APP): Promise<CommandResult> {
  const options = { cwd, reject: false, env: cleanEnv(), extendEnv: false, input: '' } as const;
  const { exitCode, stdout, stderr } = await execa(program, args, options);
  return { exitCode, stdout, stderr };
}

/** Whatever a failed test has left: the next file finds nothing. */
export async function removeInstallation(): Promise<void> {
  // Not every test has made the directory of an app.
  const { exitCode, stderr } = await run(TEN[0], [TEN[1], 'uninstall', '--purge', '--yes'], '/');
  if (exitCode !== 0) throw new Error(`what a test has installed stays: ${exitCode} ${stderr}`);
  rmSync(APP, { recursive: true, force: true });
  const left = await rules();
  if (left !== '') throw new Error(`rules of the firewall stay: ${left}`);
}

/** All of the firewall's; only tenement makes any here. */
export async function rules(): Promise<string> {
  return (await execa('/usr/sbin/nft', ['list', 'ruleset'])).stdout;
}

/** The server's own unit. */
export const SERVER = 'tenement.service';

export async function journal(): Promise<string> {
  return (await execa('journalctl', ['--no-pager', '--lines=40', `--unit=${SERVER}`])).stdout;
}

/** The pid that the app of an instance answers with. */
export async function pidOf(instance: string): Promise<number> {
  const { status, text } = await send(PORT, `${instance}.localhost`, '/');
  if (status !== 200) throw new Error(`${instance} answers ${status}: ${text}`);
  return Number(text);
}

export async function answers(instance: string): Promise<void> {
  let said = '';
  await until(
    () => `${instance} answers (${said})`,
    () =>
      pidOf(instance).then(
        () => true,
        (error) => {
          said = String(error);
          return false;
        },
      ),
    patience(20_000),
  );
}

/** What a visit comes to: the status of its answer, or what went wrong. */
export type Outcome = number | string;

/** Visitors that come one after another without a pause; each with a connection of its own, unless told otherwise. */
export class Visitors {
  readonly failures: string[] = [];
  answered = 0;
  #going = true;
  readonly #all: Promise<void>[] = [];

  constructor(instances: readonly string[] = []) {
    for (const instance of instances) void this.visit(instance);
  }

  /** Resolves when the visits to this instance have ended. */
  visit(instance: string, asking: () => Promise<Outcome> = () => ask(instance)): Promise<void> {
    const ended = this.#visit(instance, asking);
    this.#all.push(ended);
    return ended;
  }

  async #visit(instance: string, asking: () => Promise<Outcome>): Promise<void> {
    while (this.#going) {
      const outcome = await asking();
      if (outcome === 200) this.answered += 1;
      else this.failures.push(`${instance}: ${outcome}`);
    }
  }

  /** Waits for so many more answers. */
  async more(count: number): Promise<void> {
    const enough = this.answered + count;
    await until(
      () => `${enough} answers; there are ${this.answered}, and ${this.failures.slice(0, 3).join('; ')}`,
      () => this.answered >= enough,
    );
  }

  async end(): Promise<void> {
    this.#going = false;
    await Promise.all(this.#all);
  }
}

/** Over a connection of its own, or the agent's; `ended`: not one byte of an answer came on a connection that had been used before. */
export function ask(instance: string, agent: Agent | false = false): Promise<Outcome> {
  const options = { port: PORT, host: '127.0.0.1', headers: { host: `${instance}.localhost` }, agent };
  return new Promise((resolve) => {
    const sent = request(options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', (error) => resolve(String(error)));
    });
    sent.on('error', (error) => resolve(sent.reusedSocket ? 'ended' : String(error)));
    sent.end();
  });
}

/** Every file and link where an installation writes, with what it is. */
export async function listing(): Promise<string> {
  const places = [
    '/etc',
    '/opt',
    '/usr/local',
    '/srv',
    '/var/lib',
    '/run/tenement',
    '/run/userdb',
    '/run/systemd/system',
  ];
  const noise = ['/var/lib/systemd', '/etc/machine-id', '/etc/resolv.conf'];
  const skip = noise.flatMap((path) => ['-path', path, '-prune', '-o']);
  const { stdout } = await execa('find', [...places, '-xdev', ...skip, '-printf', '%M %u %p %l\n'], {
    reject: false,
    maxBuffer: 200 * 2 ** 20,
  });
  // The directory itself may be there from instances that ran without an installation.
  return stdout
    .split('\n')
    .filter((line) => !line.includes(' /run/tenement '))
    .sort()
    .join('\n');
}

/** What came since then, and what went; but that of instances that ran without an installation may go at any time. */
export async function changedSince(listed: string): Promise<string[]> {
  const before = new Set(listed.split('\n'));
  const now = new Set((await listing()).split('\n'));
  const came = [...now].filter((line) => !before.has(line));
  const went = [...before].filter((line) => !now.has(line) && !/ \/run\/(tenement|userdb)\//.test(line));
  return [...came.map((line) => `+ ${line}`), ...went.map((line) => `- ${line}`)];
}
