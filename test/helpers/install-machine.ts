/** An installation on the files of a directory instead of a machine's; its commands are not run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { apply } from '../../src/install/apply.js';
import { AS_BEFORE, type InstallOptions, planInstall } from '../../src/install/install.js';
import { layout } from '../../src/install/layout.js';
import type { Machine } from '../../src/install/machine.js';
import type { Program } from '../../src/install/program.js';
import { readRecord } from '../../src/install/record.js';
import type { Step } from '../../src/install/step.js';
import { configFile } from './config-file.js';
import { freshDir } from './fresh-dir.js';

export const UNIT = '[service.a]\ncommand = "./run"\nisolation = "systemd"\n';

export const programNamed = (version: string): Program => ({
  version,
  at: '/somewhere/else',
  digest: version.padEnd(64, '0'),
  copyTo: async (directory) => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'package.json'), '{ "name": "tenement" }');
  },
});

/** A machine below a directory, whose commands are not run. */
export function machineFor(t: ExecutionContext, text: string) {
  const root = freshDir(t);
  const app = join(root, 'app');
  configFile(t, text, app);
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  mkdirSync(join(root, 'etc/systemd/system'), { recursive: true });
  const places = layout(root);
  const machine = (program = programNamed('1.0.0')): Machine => ({
    places,
    env: {},
    cwd: app,
    node: '/usr/bin/node',
    perl: '/usr/bin/perl',
    hasIpv6: true,
    program,
    installed: readRecord(places.record),
    strongest: () => 'systemd',
    caddyRefuses: () => undefined,
  });
  const carryOut = (steps: readonly Step[], program = programNamed('1.0.0')) =>
    apply(
      steps.filter((step) => step.do !== 'run'),
      program,
      () => {},
    );
  const install = async (options: Partial<InstallOptions> = {}, program = programNamed('1.0.0')) => {
    const plan = planInstall({ ...AS_BEFORE, ...options }, machine(program));
    await carryOut(plan.steps, program);
    return plan;
  };
  const commands = (steps: readonly Step[]) =>
    steps.flatMap((step) => (step.do === 'run' ? [step.command.join(' ')] : []));
  return { root, app, places, machine, carryOut, install, commands };
}
