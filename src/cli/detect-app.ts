import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface DetectedApp {
  /** For people: "Python app". */
  readonly kind: string;
  readonly command: string;
  /** The health path that the source mentions, if any. */
  readonly health: string | undefined;
  /** What must be done before it can start. */
  readonly remark: string | undefined;
}

type Look = (directory: string) => (Omit<DetectedApp, 'health'> & { source?: string }) | undefined;

/** Looks at the files of a directory for the kind of app and how it is started; undefined when it knows none. */
export function detectApp(directory: string): DetectedApp | undefined {
  for (const look of [node, python, go, rust, ruby, binary]) {
    const found = look(directory);
    if (found === undefined) continue;
    const { source, ...app } = found;
    return { ...app, health: source === undefined ? undefined : healthIn(join(directory, source)) };
  }
  return undefined;
}

const node: Look = (directory) => {
  const file = firstOf(directory, [
    'server.js',
    'server.mjs',
    'index.js',
    'index.mjs',
    'app.js',
    'app.mjs',
    'main.js',
  ]);
  const manifest = read(join(directory, 'package.json'));
  if (manifest === undefined) {
    return file === undefined
      ? undefined
      : { kind: 'Node app', command: `node ${file}`, remark: undefined, source: file };
  }
  const { scripts, main } = parseManifest(manifest);
  const remark = existsSync(join(directory, 'node_modules'))
    ? undefined
    : 'Run `npm install` first if it has dependencies.';
  // `node server.js` directly: npm would stand between the signals of a stop and the app.
  const direct = /^node\s+[\w./-]+$/.exec(scripts?.start ?? '')?.[0];
  if (direct !== undefined) {
    return { kind: 'Node app', command: direct, remark, source: direct.replace(/^node\s+/, '') };
  }
  if (scripts?.start !== undefined) {
    return {
      kind: 'Node app',
      command: 'npm start',
      remark,
      ...(file === undefined ? {} : { source: file }),
    };
  }
  const entry = main !== undefined && existsSync(join(directory, main)) ? main : file;
  return entry === undefined
    ? undefined
    : { kind: 'Node app', command: `node ${entry}`, remark, source: entry };
};

const python: Look = (directory) => {
  const file = firstOf(directory, ['app.py', 'main.py', 'server.py', 'wsgi.py']);
  if (file === undefined) return undefined;
  const uv = existsSync(join(directory, 'uv.lock'));
  return {
    kind: 'Python app',
    command: `${uv ? 'uv run' : 'python3'} ${file}`,
    remark: undefined,
    source: file,
  };
};

const go: Look = (directory) => {
  if (!existsSync(join(directory, 'go.mod'))) return undefined;
  const source = firstOf(directory, ['main.go', 'server.go']);
  return {
    kind: 'Go app',
    command: './server',
    remark: 'Build it first: go build -o server .',
    ...(source === undefined ? {} : { source }),
  };
};

const rust: Look = (directory) => {
  const manifest = read(join(directory, 'Cargo.toml'));
  if (manifest === undefined) return undefined;
  const name = /^\s*name\s*=\s*"([\w-]+)"/m.exec(manifest)?.[1] ?? 'server';
  return {
    kind: 'Rust app',
    command: `./target/release/${name}`,
    remark: 'Build it first: cargo build --release',
    source: 'src/main.rs',
  };
};

const ruby: Look = (directory) => {
  const file = firstOf(directory, ['app.rb', 'server.rb', 'main.rb']);
  const bundle = existsSync(join(directory, 'Gemfile')) ? 'bundle exec ' : '';
  if (existsSync(join(directory, 'config.ru'))) {
    return {
      kind: 'Ruby app',
      command: `${bundle}puma`,
      remark: 'Puma takes its port from $PORT.',
      source: file ?? 'config.ru',
    };
  }
  if (file === undefined) return undefined;
  return { kind: 'Ruby app', command: `${bundle}ruby ${file}`, remark: undefined, source: file };
};

/** The one executable of its own kind (ELF or Mach-O) in the directory. */
const binary: Look = (directory) => {
  const programs = readdirSync(directory).filter((name) => isProgram(join(directory, name)));
  const [name] = programs;
  if (name === undefined || programs.length > 1) return undefined;
  return { kind: 'binary', command: `./${name}`, remark: undefined };
};

function isProgram(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile() || (stat.mode & 0o111) === 0) return false;
  const head = Buffer.alloc(4);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, head, 0, 4, 0);
  } finally {
    closeSync(fd);
  }
  return ['7f454c46', 'cffaedfe', 'cafebabe'].includes(head.toString('hex'));
}

function firstOf(directory: string, names: readonly string[]): string | undefined {
  return names.find((name) => existsSync(join(directory, name)));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function healthIn(path: string): string | undefined {
  return /["'`](\/(?:healthz?|up|ping|_health))["'`?]/.exec(read(path) ?? '')?.[1];
}

function parseManifest(text: string): { scripts?: { start?: string }; main?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
