/** The commands that change the machine: plan, show or carry out, tell. */
import { createInterface } from 'node:readline/promises';
import { TenementError } from '../base/errors.js';
import { apply } from '../install/apply.js';
import { type InstallOptions, planInstall } from '../install/install.js';
import { layout } from '../install/layout.js';
import { refuseUnlessPossible, thisMachine } from '../install/machine.js';
import type { Program } from '../install/program.js';
import { readRecord } from '../install/record.js';
import { contents, describe, describeInFull, linkTarget, type Plan, type Step } from '../install/step.js';
import { planUninstall } from '../install/uninstall.js';
import { notInstalled, planPrune, planRollback } from '../install/versions.js';
import { usageError } from './fail.js';
import type { Output } from './output.js';

/** How a command goes about it. */
export interface Way {
  /** As people type it: `ten install`. */
  readonly command: string;
  readonly dryRun: boolean;
  readonly out: Output;
}

/** @throws TenementError `install_failed`, and those of the configuration; nothing is changed when it is not valid */
export async function install(options: InstallOptions, way: Way): Promise<void> {
  if (!way.dryRun) refuseUnlessPossible(way.command);
  const machine = await thisMachine();
  const plan = planInstall(options, machine);
  await carryOut(plan, way, machine.program);
  if (!way.dryRun) await apply(planPrune(machine.places, plan.record), undefined, () => {});
}

/** A version that does not start is taken back. @throws TenementError `install_failed` */
export async function upgrade(way: Way): Promise<void> {
  if (!way.dryRun) refuseUnlessPossible(way.command);
  const machine = await thisMachine();
  const { places, installed } = machine;
  if (installed === undefined) throw notInstalled();
  const plan = planInstall(
    {
      config: places.config,
      dataDir: undefined,
      domain: undefined,
      port: undefined,
      caddy: undefined,
      dnsProvider: undefined,
      start: true,
    },
    machine,
  );
  const before = snapshot(plan.steps);
  try {
    await carryOut(plan, way, machine.program);
  } catch (error) {
    way.out.note('The new version does not run; going back.');
    await apply([...before, ...RESTART], undefined, () => {});
    throw error;
  }
  if (!way.dryRun) await apply(planPrune(places, plan.record), undefined, () => {});
}

const RESTART: readonly Step[] = [
  { do: 'run', command: ['systemctl', 'daemon-reload'] },
  { do: 'run', command: ['systemctl', 'restart', 'tenement.service'] },
];

/** Acts that make files and links again what they are now. */
function snapshot(steps: readonly Step[]): Step[] {
  return steps.flatMap((step): Step[] => {
    if (step.do === 'file') {
      const text = contents(step.path);
      return text === undefined ? [] : [{ ...step, text }];
    }
    const to = step.do === 'link' ? linkTarget(step.path) : undefined;
    return step.do === 'link' && to !== undefined ? [{ ...step, to }] : [];
  });
}

/** @throws TenementError `install_failed`, `conflict` */
export async function rollback(way: Way): Promise<void> {
  if (!way.dryRun) refuseUnlessPossible(way.command);
  const places = layout();
  await carryOut({ steps: planRollback(places, readRecord(places.record)), notes: [] }, way);
}

/** @throws TenementError `install_failed`, `usage` when nobody can be asked */
export async function uninstall(purge: boolean, yes: boolean, way: Way): Promise<void> {
  if (!way.dryRun) refuseUnlessPossible(way.command);
  const places = layout();
  const removal = planUninstall(places, readRecord(places.record), purge);
  if (purge && !yes && !way.dryRun) await confirm(removal.steps);
  await carryOut(removal, way);
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
