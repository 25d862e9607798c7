import type { Command } from 'commander';
import { TenementError } from '../../base/errors.js';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';

export function addCheck(program: Command): void {
  addCommand(program, 'check', 'validate tenement.toml, naming every problem by file, line and key').action(
    async (_: unknown, command: Command) => {
      const { globals, out } = contextOf(command);
      const [{ loadConfigFor }, { checkUsers }, { checkFilesOf }, { configWarnings }] = await Promise.all([
        import('../load-config.js'),
        import('../check-users.js'),
        import('../check-files.js'),
        import('../../config/warnings.js'),
      ]);
      try {
        const config = await loadConfigFor(globals);
        await checkUsers(config);
        const warnings = [...configWarnings(config, true), ...checkFilesOf(config)];
        for (const warning of warnings) out.note(`warning: ${warning}`);
        const services = Object.keys(config.service);
        if (out.json)
          return out.printJson({ file: config.path, valid: true, services, problems: [], warnings });
        const count = `${services.length} service${services.length === 1 ? '' : 's'}`;
        out.print(
          `${config.path} is valid: ${count}${services.length > 0 ? ` (${services.join(', ')})` : ''}`,
        );
      } catch (error) {
        if (out.json && error instanceof TenementError && error.code === 'config_invalid') {
          out.printJson({ valid: false, ...error.details });
        }
        throw error;
      }
    },
  );
}
