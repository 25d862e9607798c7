import type { Command } from 'commander';
import { ERRORS, TenementError } from '../../base/errors.js';
import { addCommand } from '../globals.js';
import { contextOf } from '../output.js';

export function addCheck(program: Command): void {
  addCommand(program, 'check', 'validate tenement.toml, naming every problem by file, line and key').action(
    async (_: unknown, command: Command) => {
      const { globals, out } = contextOf(command);
      const [{ loadConfigFor }, { checkUsers }, { checkFilesOf }, { configWarnings }, programs] =
        await Promise.all([
          import('../load-config.js'),
          import('../../config/check-users.js'),
          import('../check-files.js'),
          import('../../config/warnings.js'),
          import('../../config/check-program.js'),
        ]);
      try {
        const config = await loadConfigFor(globals);
        await checkUsers(config);
        const warnings = [
          ...configWarnings(config, true),
          ...checkFilesOf(config),
          ...programs.programWarnings(config, process.env.PATH),
        ];
        for (const warning of warnings) out.note(`warning: ${warning}`);
        const services = Object.keys(config.service);
        if (out.json)
          return out.printJson({ file: config.path, valid: true, services, problems: [], warnings });
        const count = `${services.length} service${services.length === 1 ? '' : 's'}`;
        out.print(
          `${config.path} is valid: ${count}${services.length > 0 ? ` (${services.join(', ')})` : ''}`,
        );
      } catch (error) {
        if (out.json && isInvalid(error)) {
          out.printJson({ valid: false, ...error.details });
        }
        throw isInvalid(error) && error.hint === ERRORS.config_invalid.hint ? withHint(error) : error;
      }
    },
  );
}

const isInvalid = (error: unknown): error is TenementError =>
  error instanceof TenementError && error.code === 'config_invalid';

/** The usual hint is to run the very command that has just been run. */
function withHint({ code, message, details }: TenementError): TenementError {
  return new TenementError(code, message, {
    hint: 'Correct the file and run `ten check` again; docs/configuration.md lists the keys.',
    details,
  });
}
