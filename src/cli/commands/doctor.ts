import type { Command } from 'commander';
import type { Check } from '../doctor/check.js';
import { addCommand } from '../globals.js';
import { type Colors, contextOf } from '../output.js';
import { table } from '../render.js';
import { withSpinner } from '../spinner.js';

export function addDoctor(program: Command): void {
  addCommand(
    program,
    'doctor',
    'look at what this machine can do and what is in the way; exits 1 on a failure',
  ).action(async (_: unknown, command: Command) => {
    const { globals, out } = contextOf(command);
    const [{ checkMachine }, { checkSetup }] = await Promise.all([
      import('../doctor/machine.js'),
      import('../doctor/setup.js'),
    ]);
    const checks = (await withSpinner('Looking', Promise.all([checkMachine(), checkSetup(globals)]))).flat();
    if (checks.some(({ status }) => status === 'fail')) process.exitCode = 1;
    if (out.json) return out.printJson(checks);
    out.print(
      table(
        ['CHECK', 'STATUS', 'FOUND'],
        checks.map((check) => row(check, out.colors)),
      ),
    );
    const remedies = checks.filter(({ remedy }) => remedy !== undefined);
    if (remedies.length > 0) out.print('\nWhat to do:');
    for (const { name, remedy } of remedies) out.print(`  ${name}: ${remedy}`);
  });
}

function row({ name, status, found }: Check, colors: Colors): string[] {
  const color = { ok: colors.green, warn: colors.yellow, fail: colors.red }[status];
  // The problems of a config are one a line: the first says enough here, `ten check` has all.
  return [name, color(status), found.split('\n', 1)[0] ?? ''];
}
