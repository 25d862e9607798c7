import { type Command, Option } from 'commander';
import type { LogEntryMessage } from '../../api/protocol.js';
import { parseDuration } from '../../base/units.js';
import { usageError } from '../fail.js';
import type { LogParams } from '../follow-logs.js';
import { addCommand } from '../globals.js';
import { type Colors, contextOf, type Output } from '../output.js';
import { safeForTerminal } from '../render.js';
import { serviceOrInstance, wholeNumber } from '../target.js';

interface Options {
  id?: string;
  follow?: boolean;
  stream?: string;
  level?: string;
  search?: string;
  lines?: string;
  limit?: string;
  since?: string;
}

const STREAMS = ['stdout', 'stderr', 'tenement'];

export function addLogs(program: Command): void {
  addCommand(program, 'logs', 'print what instances wrote, oldest first')
    .argument('[instance]', 'notes:alice, or notes for the whole service; default all')
    .option('--id <id>', 'the id, when only the service is given')
    .option('-f, --follow', 'go on with new lines until Ctrl-C')
    .addOption(
      new Option('--stream <stream>', 'only one stream (tenement: what the server says about it)').choices(
        STREAMS,
      ),
    )
    .addOption(new Option('--level <stream>', 'the same as --stream').choices(STREAMS))
    .option('--search <text>', 'only lines that hold this text, in any case')
    .option('-n, --lines <count>', 'the newest so many lines (default: 100)')
    .option('--limit <count>', 'the same as -n')
    .option('--since <time>', 'only lines after this: 1h, 30s, or 2026-01-31T12:00:00Z')
    .action(async (target: string | undefined, options: Options, command: Command) => {
      const { globals, out } = contextOf(command);
      const query = queryOf(target, options);
      const [{ connect }, { LogList }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      if (options.follow === true) {
        const { followLogs } = await import('../follow-logs.js');
        return await followLogs(
          () => connect(globals),
          client,
          query,
          (entry) => printEntry(out, entry, true),
          out,
        );
      }
      const entries = await client.request('GET', '/api/logs', LogList, {
        query,
        timeoutMs: 60_000,
      });
      if (out.json) return out.printJson(entries);
      for (const entry of entries) printEntry(out, entry, false);
    });
}

function queryOf(target: string | undefined, options: Options): LogParams {
  const stream = options.stream ?? options.level;
  if (options.stream !== undefined && options.level !== undefined && options.stream !== options.level) {
    throw usageError('--stream and --level are the same thing; give one of them');
  }
  if (target === undefined && options.id !== undefined)
    throw usageError('--id needs the service: ten logs notes --id alice');
  const count = options.lines ?? options.limit;
  return {
    // What does not exist writes nothing: a misspelt name would look like silence.
    ...(target === undefined ? {} : { ...serviceOrInstance(target, options.id), must_exist: 1 }),
    ...(stream === undefined ? {} : { level: stream }),
    ...(options.search === undefined ? {} : { search: options.search }),
    limit: count === undefined ? 100 : wholeNumber(count, '-n', 1, 10_000),
    ...(options.since === undefined ? {} : { since: sinceOf(options.since) }),
  };
}

function sinceOf(text: string): string {
  if (parseDuration(text) === undefined && Number.isNaN(Date.parse(text))) {
    throw usageError(
      `--since takes a duration or a time, not "${text}"`,
      'write 1h, 30s or 2026-01-31T12:00:00Z',
    );
  }
  return text;
}

/** Followed entries are one JSON object a line; a finished list is one array. */
function printEntry(out: Output, entry: LogEntryMessage, following: boolean): void {
  if (following && out.json) {
    process.stdout.write(`${JSON.stringify(entry)}\n`);
    return;
  }
  const { colors } = out;
  const name = `${entry.process}:${entry.instance_id}`;
  const message =
    process.stdout.isTTY === true ? safeForTerminal(entry.message, colors.isColorSupported) : entry.message;
  out.print(
    `${colors.dim(entry.timestamp)} ${colors.cyan(name)} ${streamColor(entry.level, colors)} ${message}`,
  );
}

function streamColor(stream: string, colors: Colors): string {
  if (stream === 'stderr') return colors.red(stream);
  return stream === 'tenement' ? colors.magenta(stream) : colors.dim(stream);
}
