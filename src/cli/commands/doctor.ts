import type { Command } from 'commander';
import type { Measured } from '../doctor/attacks.js';
import type { Check } from '../doctor/check.js';
import { addCommand, type Globals } from '../globals.js';
import { type Colors, contextOf, type Output } from '../output.js';
import { table } from '../render.js';
import { withSpinner } from '../spinner.js';

interface Options {
  quick?: boolean;
}

interface Report {
  readonly checks: readonly Check[];
  readonly measured: readonly Measured[];
}

export function addDoctor(program: Command): void {
  addCommand(
    program,
    'doctor',
    'look at what this machine can do, and let one probe instance attack another; exits 1 on a failure',
  )
    .option('--quick', 'leave the attacks out')
    .action(async (options: Options, command: Command) => {
      const { globals, out } = contextOf(command);
      const text = options.quick === true ? 'Looking' : 'Looking, and attacking probe instances';
      const report = await withSpinner(text, look(globals, options.quick === true));
      if (report.checks.some(({ status }) => status === 'fail')) process.exitCode = 1;
      await show(report, out);
    });
}

async function look(globals: Globals, quick: boolean): Promise<Report> {
  const [
    { createBackends, probeHost },
    { checkMachine },
    { checkSetup },
    { checkForwarding },
    { checkInstalled },
  ] = await Promise.all([
    import('../../../isolation/index.js'),
    import('../doctor/machine.js'),
    import('../doctor/setup.js'),
    import('../doctor/forwarding.js'),
    import('../doctor/installed.js'),
  ]);
  const host = await probeHost();
  const machine = await checkMachine(host);
  const { checks, config } = await checkSetup(globals);
  const all = [
    ...machine,
    ...checks,
    ...checkInstalled(config, host),
    ...(await checkForwarding(host, config)),
  ];
  if (quick || host.platform !== 'linux') return { checks: all, measured: [] };
  const [{ measureAttacks }, { checkServices, waysOfServices }] = await Promise.all([
    import('../doctor/attacks.js'),
    import('../doctor/services.js'),
  ]);
  const backends = createBackends(host);
  const measured = await measureAttacks(host, config && waysOfServices(config, host, backends));
  const services = config === undefined ? [] : checkServices(config, measured, host, backends);
  return { checks: [...all, ...services], measured };
}

async function show({ checks, measured }: Report, out: Output): Promise<void> {
  const { attackTable, attacksAsJson } = await import('../doctor/attack-table.js');
  if (out.json) return out.printJson({ checks, ...attacksAsJson(measured) });
  const rows = checks.map((check) => row(check, out.colors));
  out.print(table(['CHECK', 'STATUS', 'FOUND'], rows));
  const remedies = checks.filter(({ remedy }) => remedy !== undefined);
  if (remedies.length > 0) out.print('\nWhat to do:');
  for (const { name, remedy } of remedies) out.print(`  ${name}: ${remedy}`);
  if (measured.length > 0) out.print(`\n${attackTable(measured, out.colors)}`);
}

function row({ name, status, found }: Check, colors: Colors): string[] {
  const color = { ok: colors.green, warn: colors.yellow, fail: colors.red }[status];
  // The problems of a config are one a line: the first says enough here, `ten check` has all.
  return [name, color(status), found.split('\n', 1)[0] ?? ''];
}
