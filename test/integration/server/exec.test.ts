import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { TEN } from '../../helpers/example-server.js';
import { fixture, nodeCommand, TestServer } from '../../helpers/server.js';
import { until } from '../../helpers/until.js';

const root = process.geteuid?.() === 0;

const app = (name: string, lines: string) => `
[service.${name}]
${nodeCommand('world.mjs')}
workdir = "work"
health = "/health"
stop_timeout = 2
${lines}
[service.${name}.env]
SECRET = "hush '\\"\\\\x"
DATA_DIR = "{data_dir}/${name}/{id}"
`;
const isolated = `read_only_paths = ["${dirname(fixture('world.mjs'))}"]`;

const kinds: Readonly<Record<string, string>> = {
  process: `isolation = "process"${root ? '\nuser = "auto"' : ''}`,
  namespace: `isolation = "namespace"\n${isolated}`,
  sandbox: `isolation = "sandbox"\nnetwork = "none"\nlisten = "fd"\n${isolated}`,
};
const names = Object.keys(kinds);

const seen = String.raw`
echo "dir $(pwd)"
echo "uid $(id -u)"
echo "env $SECRET $TENEMENT_INSTANCE $LISTEN_FDS"
echo "status $(grep -E '^(NoNewPrivs|Seccomp|CapEff|CapBnd):' /proc/$1/status | tr '\n\t' '  ')"
echo "cgroup $(tail -n 1 /proc/$1/cgroup)"
for ns in mnt pid net ipc uts user; do echo "$ns $(readlink /proc/$1/ns/$ns)"; done
`;

/** Serial: each starts a server. */
test.serial(
  'exec: the same files, user, environment, namespaces and filter as the instance, and nothing else',
  async (t) => {
    const server = await start(t);
    for (const name of names) {
      const of = async (...command: string[]): Promise<string> => {
        const run = await server.ten('exec', `${name}:alice`, '--', ...command);
        t.is(run.exitCode, 0, `${name}: ${run.stderr}`);
        return run.stdout;
      };
      // The app is the process that listens to nobody's terminal and has no command of ours: the one with SECRET and node as its program.
      // By its command: the name of a process of Node 24 is MainThread.
      const pid = (await of('sh', '-c', `pgrep -o -f '^[^ ]*node ' -u "$(id -u)"`)).trim();
      const own = name === 'process' ? String(await appPid(server, name)) : pid;
      t.is(await of('sh', '-c', seen, 'sh', 'self'), await of('sh', '-c', seen, 'sh', own), name);
      t.regex(await of('sh', '-c', seen, 'sh', 'self'), /^env hush '"\\x alice $/m);
      t.is(await of('sh', '-c', 'ls /proc/self/fd'), '0\n1\n2\n3', 'no descriptor of ours but that of ls');
      const { exitCode } = await server.ten('exec', `${name}:alice`, '--', 'sh', '-c', 'exit 7');
      t.is(exitCode, 7);
      t.is((await server.ten('exec', `${name}:alice`, '--', '/no/such/program')).exitCode, 127);
      t.is((await server.ten('exec', `${name}:alice`, '--', 'sh', '-c', 'kill -9 $$')).exitCode, 137);
    }
  },
);

test.serial('exec: input and output pass as they are, errors apart', async (t) => {
  const server = await start(t);
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7919) % 256));
  for (const name of names) {
    const result = await execa(
      TEN[0],
      [TEN[1], 'exec', `${name}:alice`, '--', 'sh', '-c', 'cat; echo no >&2'],
      {
        cwd: server.directory,
        input: bytes,
        encoding: 'buffer',
      },
    );
    t.true(Buffer.from(result.stdout).equals(bytes), name);
    t.is(Buffer.from(result.stderr).toString(), 'no');
  }
});

test.serial('exec: files of ours are not handed in, whatever our streams are', async (t) => {
  const server = await start(t);
  const file = join(server.directory, 'ours');
  for (const name of names) {
    writeFileSync(file, 'before\n');
    const line = `ls -l /proc/self/fd/[012] | sed 's/.* -> //'; cat; echo apart >&2; exit 3`;
    const [input, output] = [openSync('/etc/hostname', 'r'), openSync(file, 'a')];
    t.teardown(() => [input, output].map((fd) => closeSync(fd)));
    const child = spawn(TEN[0], [TEN[1], 'exec', `${name}:alice`, '--', 'sh', '-c', line], {
      cwd: server.directory,
      stdio: [input, output, output],
    });
    t.deepEqual(await once(child, 'exit'), [3, null], name);
    const [before, ...lines] = readFileSync(file, 'utf8').split('\n');
    t.is(before, 'before');
    // Node's own kind of pipe is a pair of sockets; neither leads to a file.
    for (const fd of lines.slice(0, 3)) t.regex(fd, /^(pipe|socket):\[\d+\]$/, name);
    const rest = lines.slice(3).join('\n');
    t.true(rest.includes(readFileSync('/etc/hostname', 'utf8').trim()), rest);
    t.true(rest.includes('apart\n'), rest);
  }
});

test.serial('exec: who reads no more ends what still writes', async (t) => {
  const server = await start(t);
  for (const name of names) {
    const run = await execa(
      'sh',
      [
        '-c',
        `{ "$@"; echo "code $?" >&2; } | head -n 1`,
        'sh',
        TEN[0],
        TEN[1],
        'exec',
        `${name}:alice`,
        '--',
        'yes',
      ],
      { cwd: server.directory },
    );
    t.is(run.stdout, 'y');
    // By a signal, or by an error where something that it wrote was still under way (unix(7): then the connection is reset).
    t.regex(run.stderr, /^(yes: .*\n)?code (141|1)$/, name);
  }
});

test.serial('exec: input that goes on does not keep what has ended', async (t) => {
  const server = await start(t);
  const { stdout } = await execa(
    'sh',
    [
      '-c',
      `yes | { "$@"; echo "code $?"; }`,
      'sh',
      TEN[0],
      TEN[1],
      'exec',
      'process:alice',
      '--',
      'head',
      '-n',
      '1',
    ],
    { cwd: server.directory },
  );
  t.is(stdout, 'y\ncode 0');
});

test.serial('exec: a terminal of its own, Ctrl-C for the command alone', async (t) => {
  const server = await start(t);
  for (const name of names) {
    const terminal = new Terminal(t, server, `${name}:alice`);
    await terminal.sees(/[$#] $/);
    // By one command that has the foreground already when it speaks: a shell that is about to start the next one may miss a Ctrl-C.
    terminal.type(`sh -c 'tty -s && echo is-a-"terminal" $TERM; exec sleep 1000'\n`);
    await terminal.sees(/is-a-terminal vt220/);
    terminal.type('\x03');
    await terminal.sees(/\^C[\s\S]*[$#] $/);
    terminal.type('echo "<"$(ls /proc/self/fd | wc -l)">"; exit 5\n');
    await terminal.sees(/<4>/);
    t.is(await terminal.ended, 5, name);
  }
});

test.serial('exec: a stop of the instance ends the command, whatever it is', async (t) => {
  const server = await start(t);
  for (const name of names) {
    const child = execa(TEN[0], [TEN[1], 'exec', `${name}:alice`, '--', 'sh', '-c', 'echo up; sleep 1000'], {
      cwd: server.directory,
      reject: false,
      stdin: 'ignore',
      buffer: false,
    });
    t.teardown(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    t.is((await server.ten('stop', `${name}:alice`)).exitCode, 0);
    t.not((await child).exitCode, 0, name);
  }
});

test.serial('exec: refusals say why', async (t) => {
  const server = await start(t);
  const refused = async (pattern: RegExp, ...args: string[]): Promise<void> => {
    const run = await server.ten('exec', ...args);
    t.not(run.exitCode, 0);
    t.regex(run.stderr, pattern);
  };
  await refused(/There is no instance process:bob/, 'process:bob', 'id');
  await refused(/on the machine of the server only/, '--server', 'http://localhost:1', 'process:alice', 'id');
  await server.ten('stop', 'process:alice');
  await refused(/process:alice does not run\ntry: `ten spawn process:alice`/, 'process:alice', 'id');
});

async function start(t: ExecutionContext): Promise<TestServer> {
  const server = await TestServer.start(t, names.map((name) => app(name, kinds[name] ?? '')).join(''));
  chmodSync(server.directory, 0o711);
  for (const name of names) {
    const { exitCode, stderr } = await server.ten('spawn', `${name}:alice`);
    t.is(exitCode, 0, stderr);
  }
  return server;
}

async function appPid(server: TestServer, name: string): Promise<number> {
  const { stdout } = await server.ten('ps', name, '--json');
  const [instance]: { pid: number }[] = JSON.parse(stdout);
  return instance?.pid ?? 0;
}

/** `ten exec` as a person has it, who types into the terminal that script(1) makes. */
class Terminal {
  readonly ended: Promise<number | null>;
  readonly #child;
  #screen = '';

  constructor(t: ExecutionContext, server: TestServer, instance: string) {
    this.#child = spawn('script', ['-qec', `exec '${TEN[0]}' '${TEN[1]}' exec ${instance}`, '/dev/null'], {
      cwd: server.directory,
      env: {
        PATH: process.env.PATH,
        TERM: 'vt220',
        SHELL: '/bin/sh',
        HOME: join(server.directory, 'work'),
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.teardown(() => void this.#child.kill('SIGKILL'));
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#screen += text;
    });
    this.ended = once(this.#child, 'exit').then(([code]) => code);
  }

  type(text: string): void {
    this.#screen = '';
    this.#child.stdin.write(text);
  }

  async sees(pattern: RegExp): Promise<void> {
    await until(
      () => `the terminal shows ${pattern}: ${JSON.stringify(this.#screen)}`,
      async () => pattern.test(this.#screen),
    );
  }
}
