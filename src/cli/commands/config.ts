import type { Command } from 'commander';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';

export function addConfig(program: Command): void {
  addCommand(
    program,
    'config',
    'print the configuration in effect, defaults included; values of [env] are redacted',
  ).action(async (_: unknown, command: Command) => {
    const { globals, out } = contextOf(command);
    const [{ loadConfigFor }, { effectiveConfig }] = await Promise.all([
      import('../load-config.js'),
      import('../../config/redact.js'),
    ]);
    const config = await loadConfigFor(globals);
    const { path } = config;
    const shown = effectiveConfig(config);
    if (out.json) return out.printJson({ path, ...shown });
    const { stringify } = await import('smol-toml');
    out.print(`# ${path}\n${stringify(shown).trimEnd()}`);
  });
}
