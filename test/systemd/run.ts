/**
 * `npm run test:systemd`: runs the tests of this folder, as root, under a real systemd with D-Bus: this machine's own, booted in a container
 * (systemd-nspawn) on an overlay of this machine's files. Takes seconds; nothing of it stays.
 *
 *     npm run test:systemd -- --only '*unit*'   titles of tests, as ava's --match
 *     npm run test:systemd -- --shell           a shell in there, as root; `exit` ends it
 *     npm run test:systemd -- --release trixie  the systemd of that Debian, in its system (test/vm/image): bookworm or trixie
 *
 * The network is an own one with loopback only; /tmp is empty; cgroups are of version 2, without controllers where the machine has them on
 * version 1: units start, stop and freeze, but limits of memory, processors and tasks hold only in the machine of test/vm.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isPopulated, killGroup, removeGroup } from '../../isolation/cgroup.js';
import { findCgroupRoot } from '../../isolation/cgroup-root.js';
import { packageRoot } from '../../src/base/package-root.js';
import { CannotRun, ensureTools, runOrSkip } from '../helpers/cannot-run.js';
import { until } from '../helpers/until.js';
import { image, RELEASES, TOOLS } from '../vm/image/cache.js';
import { unitText } from './unit-text.js';

const LIMIT_MS = 30 * 60_000;
const build = relative(packageRoot, fileURLToPath(new URL('../..', import.meta.url)));
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    shell: { type: 'boolean', default: false },
    release: { type: 'string' },
  },
});

await runOrSkip('test:systemd', main);

async function main(signal: AbortSignal): Promise<number> {
  if (process.platform !== 'linux') throw new CannotRun('needs Linux');
  if (process.geteuid?.() !== 0) throw new CannotRun('only root can boot a container');
  await ensureTools({
    'systemd-nspawn': 'systemd-container',
    'dbus-daemon': 'dbus',
    unshare: 'util-linux',
    nft: 'nftables',
  });
  const disk = await diskOf(values.release, signal);
  const exchange = mkdtempSync(join(realpathSync(tmpdir()), 'tenement-systemd-'));
  const above = await findCgroupRoot();
  if (above === undefined) throw new CannotRun('no cgroup v2 directory is writable here');
  const group = join(above, `tenement-systemd-${process.pid}`);
  try {
    mkdirSync(join(exchange, 'root'));
    mkdirSync(group);
    writeFileSync(
      join(exchange, 'service'),
      unitText({
        build,
        project: packageRoot,
        node: values.release === undefined ? process.execPath : '/usr/local/bin/node',
        // Those of this machine's system, which is the container's unless another was asked for.
        require: values.release === undefined ? (process.env.TENEMENT_REQUIRE ?? '').split(',') : [],
        ...values,
      }),
    );
    writeFileSync(join(exchange, 'output'), '');
    return await boot(exchange, group, disk, signal);
  } finally {
    await killGroup(group);
    await until('the container has ended', async () => !(await isPopulated(group)));
    await removeGroup(group);
    rmSync(exchange, { recursive: true, force: true });
  }
}

/** Undefined: this machine's own system. */
async function diskOf(name: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  if (name === undefined) return undefined;
  const release = RELEASES.find((one) => one === name);
  if (release === undefined) throw new Error(`--release is one of ${RELEASES.join(', ')}`);
  await ensureTools(TOOLS);
  return (await image(release, signal)).disk;
}

async function boot(
  exchange: string,
  group: string,
  disk: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  const script = join(packageRoot, 'test/systemd/container.sh');
  const joinGroup = 'echo $$ >"$0/cgroup.procs"; exec unshare --mount bash "$@"';
  const args = [script, exchange, packageRoot, values.shell ? 'interactive' : 'passive', process.execPath];
  if (disk !== undefined) args.push(disk);
  const container = spawn('bash', ['-e', '-c', joinGroup, group, ...args], {
    stdio: values.shell ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [container.stdout, container.stderr]) {
    stream?.on('data', (text: Buffer) => {
      said = (said + text).slice(-8_000);
    });
  }
  const exited = once(container, 'exit').then(([code]) => (code as number | null) ?? 1);
  const end = (): void => void container.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  const limit = setTimeout(end, values.shell ? 2 ** 31 - 1 : LIMIT_MS);
  const output = join(exchange, 'output');
  const follow = ['--lines=+1', '--follow', '--sleep-interval=0.1', `--pid=${container.pid}`, output];
  const follower = spawn('tail', follow, { stdio: ['ignore', 'inherit', 'inherit'] });
  const followed = once(follower, 'exit');
  try {
    const code = await exited;
    await followed;
    signal.throwIfAborted();
    if (!values.shell && readFileSync(output, 'utf8') === '') {
      console.log(`the container ended with ${code} before any test:\n${said}`);
      return 1;
    }
    return code;
  } finally {
    clearTimeout(limit);
    signal.removeEventListener('abort', end);
  }
}
