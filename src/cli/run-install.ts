/** The commands that change the machine: plan, show or carry out, tell. */
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { execa } from 'execa';
import { markOf } from '../../isolation/index.js';
import { TenementError } from '../base/errors.js';
import { apply } from '../install/apply.js';
import { AS_BEFORE, type InstallOptions, planInstall } from '../install/install.js';
import { layout } from '../install/layout.js';
import { withInstallLock } from '../install/lock.js';
import { refuseUnlessPossible, thisMachine } from '../install/machine.js';
import { unitsBeside } from '../install/neighbours.js';
import { nextAfter } from '../install/next.js';
import type { Program } from '../install/program.js';
import { standing } from '../install/programs.js';
import { readRecord } from '../install/record.js';
import { describe, describeInFull, type Plan, type Step } from '../install/step.js';
import { undoOf } from '../install/undo.js';
import { planUninstall } from '../install/uninstall.js';
import { notInstalled, programBefore } from '../install/versions.js';
import { usageError } from './fail.js';
import type { Output } from './output.js';

/** How a command goes about it. */
export interface Way {
  /** As people type it: `ten install`. */
  readonly command: string;
  readonly dryRun: boolean;
  readonly out: Output;
}

/** @throws TenementError `install_failed`, `conflict`, and those of the configuration; nothing is changed when it is not valid */
export async function install(options: InstallOptions, way: Way): Promise<void> {
  await alone(way, async () => {
    const machine = await thisMachine();
    const plan = planInstall(options, machine);
    await carryOut(plan, way, machine.program);
    if (!way.dryRun && !way.out.json) way.out.note(nextAfter(plan, machine.places));
  });
}

/** A version that does not start is taken back. @throws TenementError `install_failed`, `conflict` */
export async function upgrade(way: Way): Promise<void> {
  await alone(way, async () => {
    const machine = await thisMachine();
    const { places, installed } = machine;
    if (installed === undefined) throw notInstalled();
    const plan = planInstall({ ...AS_BEFORE, config: places.config }, machine);
    const undo = undoOf(plan.steps, places);
    try {
      await carryOut(plan, way, machine.program);
    } catch (error) {
      if (way.dryRun) throw error;
      way.out.note(
        `This version could not be put into use; going back to ${standing(installed, places).current ?? 'what was there'}.`,
      );
      for (const failure of await undo.run()) way.out.note(`note: ${failure}`);
      throw error;
    }
  });
}

/** By the program before, which knows what it needs. @throws TenementError `install_failed`, `conflict` */
export async function rollback(way: Way): Promise<void> {
  const { dryRun, out, command } = way;
  if (!dryRun) refuseUnlessPossible(command);
  const places = layout();
  const { at: before, cutOff } = programBefore(places, readRecord(places.record));
  if (cutOff !== undefined)
    out.note(
      `note: the upgrade to ${cutOff} was cut off; ${basename(before)}, which ran before it, is taken again.`,
    );
  const options = [...(dryRun ? ['--dry-run'] : []), ...(out.json ? ['--json'] : [])];
  const { failed, stderr, shortMessage } = await execa(
    process.execPath,
    [join(before, 'bin/ten'), 'upgrade', ...options],
    { reject: false, stdin: 'ignore', stdout: 'inherit' },
  );
  if (!failed) {
    if (stderr !== '') out.note(stderr);
    return;
  }
  const [because = shortMessage, ...hints] = stderr
    .split('\n')
    .flatMap((line) => /^(?:error|try): (.*)/.exec(line)?.[1] ?? []);
  throw new TenementError('install_failed', `Going back to ${before} failed: ${because}`, {
    hint: hints[0] ?? '`journalctl -u tenement -n 50` shows what the server says.',
  });
}

/** @throws TenementError `install_failed`, `conflict`, `usage` when nobody can be asked */
export async function uninstall(purge: boolean, yes: boolean, way: Way): Promise<void> {
  await alone(way, async () => {
    const places = layout();
    const installed = readRecord(places.record);
    const beside = await unitsBeside(markOf(installed?.dataDir ?? places.dataDir));
    const removal = planUninstall(places, installed, purge, beside);
    if (purge && !yes && !way.dryRun) await confirm(removal.steps);
    await carryOut(removal, way);
  });
}

/** Whoever changes nothing disturbs nobody. */
async function alone({ dryRun, command }: Way, act: () => Promise<void>): Promise<void> {
  if (dryRun) return act();
  refuseUnlessPossible(command);
  await withInstallLock(layout().lock, act);
}

async function confirm(steps: readonly Step[]): Promise<void> {
  if (process.stdin.isTTY !== true)
    throw usageError('Deleting the data of all customers needs --yes where nobody can be asked');
  const doomed = steps.filter((step) => step.do === 'remove').map(describe);
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asking.question(`${doomed.join('\n')}\nThis cannot be undone. Type "yes" to go on: `);
  asking.close();
  if (answer.trim() !== 'yes')
    throw new TenementError('install_failed', 'Nothing was changed', {
      hint: 'Answer "yes", or leave --purge away.',
    });
}

async function carryOut({ steps, notes }: Plan, way: Way, program?: Program): Promise<void> {
  const { out, dryRun } = way;
  const told = (step: Step) => {
    if (!out.json) out.print(dryRun ? describeInFull(step) : past(step));
  };
  const done: Step[] = [];
  if (dryRun) steps.forEach(told);
  else {
    await apply(steps, program, (step) => {
      done.push(step);
      told(step);
    });
  }
  if (out.json) return out.printJson({ dryRun, steps: dryRun ? steps : done, notes });
  if (steps.length === 0) out.print('Nothing to do: all is as it should be');
  for (const note of notes) out.note(`note: ${note}`);
}

/** What was done looks like what would be done. */
function past(step: Step): string {
  return describe(step).replace(/^replace/, 'write');
}
