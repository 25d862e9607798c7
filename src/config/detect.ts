import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';

/** What kind of app a directory holds, and how it is started. */
export interface Detected {
  /** For people: "Node (package.json)". */
  readonly kind: string;
  readonly command: string;
  /** Seconds that a first start may take, where that is longer than usual (compilers). */
  readonly startupTimeout?: number;
}

type Detector = (dir: string) => Detected | undefined;

/** The first that fits wins: a project with a package.json beside its Ruby or Go code is usually not a Node app, so Node comes late. */
const DETECTORS: readonly Detector[] = [go, rust, ruby, python, node, binary];

/** Looks at the files of a directory; runs nothing. */
export function detect(dir: string): Detected | undefined {
  for (const detector of DETECTORS) {
    const found = detector(dir);
    if (found !== undefined) return found;
  }
  return undefined;
}

function go(dir: string): Detected | undefined {
  const has = (file: string) => existsSync(join(dir, file));
  if (has('go.mod')) return { kind: 'Go (go.mod)', command: 'go run .', startupTimeout: 120 };
  if (has('main.go')) return { kind: 'Go (main.go)', command: 'go run main.go', startupTimeout: 120 };
  return undefined;
}

function rust(dir: string): Detected | undefined {
  if (!existsSync(join(dir, 'Cargo.toml'))) return undefined;
  return { kind: 'Rust (Cargo.toml)', command: 'cargo run --release', startupTimeout: 300 };
}

function ruby(dir: string): Detected | undefined {
  const has = (file: string) => existsSync(join(dir, file));
  const bundle = has('Gemfile') ? 'bundle exec ' : '';
  if (has('config.ru'))
    return { kind: 'Ruby (config.ru)', command: `${bundle}rackup --host 127.0.0.1 --port {port}` };
  for (const file of ['app.rb', 'server.rb', 'main.rb']) {
    if (has(file)) return { kind: `Ruby (${file})`, command: `${bundle}ruby ${file}` };
  }
  return undefined;
}

function python(dir: string): Detected | undefined {
  const file = ['app.py', 'main.py', 'server.py'].find((name) => existsSync(join(dir, name)));
  if (file === undefined) return undefined;
  const uv = existsSync(join(dir, 'uv.lock')) || existsSync(join(dir, 'pyproject.toml'));
  if (uv) return { kind: `Python with uv (${file})`, command: `uv run python ${file}` };
  const venv = existsSync(join(dir, '.venv/bin/python')) ? '.venv/bin/python' : 'python3';
  return { kind: `Python (${file})`, command: `${venv} ${file}` };
}

function node(dir: string): Detected | undefined {
  const manifest = readManifest(join(dir, 'package.json'));
  if (manifest?.start !== undefined)
    return { kind: 'Node (package.json, start script)', command: 'npm start' };
  const candidates = [
    manifest?.main,
    'server.js',
    'app.js',
    'index.js',
    'server.mjs',
    'app.mjs',
    'index.mjs',
  ];
  const main = candidates.find((file) => file !== undefined && existsSync(join(dir, file)));
  if (main === undefined) return undefined;
  return { kind: `Node (${main})`, command: `node ${/^[\w./-]+$/.test(main) ? main : `'${main}'`}` };
}

/** A package.json that is broken or says nothing useful counts as absent. */
function readManifest(path: string): { start: string | undefined; main: string | undefined } | undefined {
  try {
    const { scripts, main } = JSON.parse(readFileSync(path, 'utf8'));
    return {
      start: typeof scripts?.start === 'string' ? scripts.start : undefined,
      main: typeof main === 'string' ? main : undefined,
    };
  } catch {
    return undefined;
  }
}

/** The only executable file of the directory that is a program by itself, not a script. */
function binary(dir: string): Detected | undefined {
  const programs = readdirSync(dir).filter((name) => isProgram(join(dir, name)));
  const name = programs.length === 1 ? programs[0] : programs.find((program) => program === basename(dir));
  return name !== undefined && /^[\w.-]+$/.test(name)
    ? { kind: `a program (${name})`, command: `./${name}` }
    : undefined;
}

/** ELF, or Mach-O (64 bit, either byte order, and universal). */
const MAGIC = ['7f454c46', 'cffaedfe', 'feedfacf', 'cafebabe'];

function isProgram(path: string): boolean {
  try {
    if (!statSync(path).isFile()) return false;
    accessSync(path, constants.X_OK);
    const fd = openSync(path, 'r');
    try {
      const head = Buffer.alloc(4);
      readSync(fd, head, 0, 4, 0);
      return MAGIC.includes(head.toString('hex'));
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}
