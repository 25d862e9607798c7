/**
 * `npm run test:vm`: runs the tests below this folder in a real machine (qemu, Debian, systemd, cgroup v2), one after another in each release.
 * For what a container or this machine cannot give: controllers of cgroup v2, the OOM killer, the freezer, a restart of the machine.
 *
 *     npm run test:vm -- --release bookworm|trixie|all   default: bookworm
 *     npm run test:vm -- --only '*oom*'                  titles of tests, as ava's --match
 *     npm run test:vm -- --quick                         without the conformance suite of the backends, which the ordinary tests run, too, and
 *                                                        with one or two backends where any other shows the same
 *     npm run test:vm -- --each 50                       instances of each isolation in an installation; default: 2
 *     npm run test:vm -- --shell                         a shell in there, as root; the project is at /tenement, `exit` ends it
 *     npm run test:vm -- --limit 15                      minutes until a machine is ended; default: 60
 *     npm run test:vm -- --machine tcg|kvm|uml           what runs it (hardware.ts); default: tcg, which works everywhere
 *
 * A test file belongs to the folder that says how it is run: `as-root` and `as-user` as systemd services with Delegate=yes, then
 * `after-reboot` when the machine has been restarted, with the same disks. /data is a file system with project quotas. Everything takes ten
 * times as long as outside (a `ten` takes two seconds, its server half a minute to start): wait for events generously, have few files, as each
 * finds out anew what the machine can do, and put `test.serial` where tests start Node.
 * The machine is built once (image/recipe.sh) and kept in ~/.cache/tenement-vm; all that a run writes is gone afterwards.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CannotRun, ensureTools, runOrSkip } from '../helpers/cannot-run.js';
import { step, tell } from '../helpers/steps.js';
import { MACHINES, type MachineKind } from './hardware.js';
import { image, RELEASES, type Release, TOOLS } from './image/cache.js';
import { runMachine } from './machine.js';
import { projectImages } from './project-image.js';

const { values } = parseArgs({
  options: {
    release: { type: 'string', default: 'bookworm' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    each: { type: 'string', default: '' },
    shell: { type: 'boolean', default: false },
    machine: { type: 'string', default: 'tcg' },
    limit: { type: 'string', default: '60' },
  },
});

await runOrSkip('test:vm', main);

async function main(signal: AbortSignal): Promise<number> {
  const releases = RELEASES.filter((name) => values.release === 'all' || values.release === name);
  if (releases.length === 0) throw new Error(`--release is one of ${RELEASES.join(', ')}, all`);
  if (process.arch !== 'x64' || process.platform !== 'linux') throw new CannotRun('needs Linux on x86_64');
  if (process.geteuid?.() !== 0)
    throw new CannotRun('only root can build a system with its owners and devices');
  const kind = MACHINES.find((name) => name === values.machine);
  if (kind === undefined) throw new Error(`--machine is one of ${MACHINES.join(', ')}`);
  await ensureTools({
    ...(kind === 'uml' ? { 'linux.uml': 'user-mode-linux' } : { 'qemu-system-x86_64': 'qemu-system-x86' }),
    ...TOOLS,
  });
  let status = 0;
  for (const release of releases) {
    if (!(await runRelease(release, kind, signal))) status = 1;
    signal.throwIfAborted();
  }
  return status;
}

async function runRelease(release: Release, kind: MachineKind, signal: AbortSignal): Promise<boolean> {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'tenement-vm-'));
  try {
    const built = await image(release, signal);
    const plan = {
      kind,
      mode: values.shell ? 'shell' : 'tests',
      only: values.only,
      quick: values.quick,
      each: values.each,
    } as const;
    const disks = await step('copying the project', projectImages(directory, plan));
    const { suites, broken } = await runMachine(
      {
        image: built,
        disks,
        console: join(directory, 'console'),
        directory,
        kind,
        shell: values.shell,
        limitMs: values.shell ? 2 ** 31 - 1 : Number(values.limit) * 60_000,
      },
      signal,
    );
    for (const [folder, code] of suites) tell(`${release}, ${folder}: ${code === 0 ? 'passed' : 'failed'}`);
    if (broken !== undefined) console.log(`the machine with Debian ${release} failed: ${broken}`);
    const passed = [...suites.values()].every((code) => code === 0);
    return broken === undefined && passed && (values.shell || suites.size > 0);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
