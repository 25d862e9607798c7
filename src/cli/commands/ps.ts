import type { Command } from 'commander';
import type { Instance } from '../../api/protocol.js';
import { assertName } from '../../base/names.js';
import { formatDuration } from '../../base/units.js';
import { usageError } from '../fail.js';
import { addCommand } from '../globals.js';
import { healthColor } from '../health-color.js';
import { type Colors, contextOf } from '../output.js';
import { bytes, safeForTerminal, seconds, table } from '../render.js';

interface Options {
  all?: boolean;
  output?: string;
}

export function addPs(program: Command): void {
  addCommand(program, 'ps', 'list the instances that are awake or frozen')
    .alias('ls')
    .argument('[service]', 'only those of this service')
    .option('-a, --all', 'also those that sleep, are held or disabled')
    .option('-o, --output <form>', 'wide: also memory, CPU time, backend and the last problem')
    .action(async (service: string | undefined, options: Options, command: Command) => {
      const { globals, out } = contextOf(command);
      const form = options.output;
      if (form !== undefined && form !== 'wide' && form !== 'json') {
        throw usageError(`-o takes wide or json, not "${form}"`);
      }
      if (service !== undefined) assertName(service, 'service');
      const [{ connect }, { InstanceList }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      const instances = await client.request('GET', '/api/instances', InstanceList, {
        query: {
          all: options.all === true ? 1 : undefined,
          ...(service === undefined ? {} : { service, must_exist: 1 }),
        },
        timeoutMs: 30_000,
      });
      if (out.json || form === 'json') return out.printJson(instances);
      out.print(instanceTable(instances, form === 'wide', out.colors));
      if (instances.some(({ configured }) => configured === false))
        out.note('"no service": the config has it no more, nothing starts these; `ten rm` forgets them.');
      if (instances.length === 0 && process.stderr.isTTY === true) {
        out.note(
          options.all === true ? 'No instance exists yet.' : 'No instance is awake; -a shows sleeping ones.',
        );
      }
    });
}

function instanceTable(instances: readonly Instance[], wide: boolean, colors: Colors): string {
  const header = ['INSTANCE', 'LISTEN', 'UPTIME', 'IDLE', 'HEALTH', 'WEIGHT'];
  if (wide) header.push('MEMORY', 'CPU', 'BACKEND', 'LAST PROBLEM');
  const rows = instances.map((instance) => {
    const row = [
      instance.id,
      instance.address ?? '-',
      seconds(instance.uptime_secs),
      seconds(instance.idle_secs),
      healthColor(healthWord(instance), colors),
      String(instance.weight),
    ];
    if (wide) {
      row.push(bytes(instance.memory_bytes), cpu(instance.cpu_secs), instance.backend);
      // An app has a say in it: where it redirects to, for one.
      row.push(safeForTerminal(instance.last_problem ?? '-', false));
    }
    return row;
  });
  return table(header, rows);
}

/** A person's decision that keeps an instance down says more than "sleeping", which a request could end. */
function healthWord(instance: Instance): string {
  if (instance.configured === false && instance.state === 'stopped') return 'no service';
  if (instance.want === 'disabled') return 'disabled';
  if (instance.want === 'down' && instance.state === 'stopped') return 'held';
  // It sleeps, and still has its memory.
  if (instance.state === 'frozen') return 'frozen';
  return instance.health;
}

function cpu(secs: number | null): string {
  if (secs === null) return '-';
  return secs < 60 ? `${secs.toFixed(1)}s` : formatDuration(secs);
}
