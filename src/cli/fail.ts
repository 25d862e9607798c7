import { CommanderError } from 'commander';
import { asTenementError, ERRORS, TenementError } from '../base/errors.js';

/** What a failed command tells: three lines on stderr and an exit code. */
export interface Failure {
  /** Without a line end; empty when there is nothing to say (help, version). */
  readonly text: string;
  readonly exitCode: number;
}

/**
 * Turns anything thrown into what the person reads: what happened, because of what, what to try. Pure.
 * @param command the command that was running, as one types it: `ten env set`
 */
export function failure(error: unknown, command = 'ten'): Failure {
  if (error instanceof CommanderError) return usageFailure(error);
  const ours = asTenementError(error);
  const hint =
    ours.code === 'usage' && ours.hint === ERRORS.usage.hint && command !== 'ten'
      ? helpOf(command)
      : ours.hint;
  const lines = [`error: ${ours.message}`];
  const because = ours.cause === undefined ? undefined : messageOf(ours.cause);
  if (because !== undefined && !ours.message.includes(because)) lines.push(`because: ${because}`);
  lines.push(`try: ${hint}`);
  return { text: lines.join('\n'), exitCode: ours.exitCode };
}

/** Commander throws for help and version too; those have printed already. */
function usageFailure(error: CommanderError): Failure {
  if (error.exitCode === 0) return { text: '', exitCode: 0 };
  if (error.code === 'commander.help') return { text: '', exitCode: 2 };
  const [first = '', ...rest] = error.message.split('\n');
  const nearest = /^\(Did you mean (.+)\?\)$/.exec(rest.join(' ').trim())?.[1];
  const command = 'usageOf' in error && typeof error.usageOf === 'string' ? error.usageOf : 'ten';
  const hint =
    nearest === undefined
      ? helpOf(command)
      : `did you mean \`${nearest.startsWith('-') || nearest.startsWith('one of') ? nearest : `${command} ${nearest}`}\`?`;
  return { text: `${first}\ntry: ${hint}`, exitCode: 2 };
}

const helpOf = (command: string): string => `\`${command} --help\` shows how it is used.`;

/** AggregateError (every address of a host refused) has an empty message of its own. */
function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === '') return cause.errors.map(messageOf).join('; ');
  return cause instanceof Error ? cause.message : String(cause);
}

/** A usage error of ours, for what commander cannot check. */
export function usageError(message: string, hint?: string): TenementError {
  return new TenementError('usage', message, hint === undefined ? {} : { hint });
}
