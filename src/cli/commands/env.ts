import type { Command } from 'commander';
import type { Client } from '../../api/client.js';
import type { EnvResponse, EnvSetRequest } from '../../api/protocol.js';
import { TenementError } from '../../base/errors.js';
import { formatKey, type InstanceKey } from '../../base/names.js';
import { usageError } from '../fail.js';
import { addCommand } from '../globals.js';
import { contextOf, type Output } from '../output.js';
import { table } from '../render.js';
import { instanceOf, instancePath } from '../target.js';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function addEnv(program: Command): void {
  const env = addCommand(program, 'env', "one instance's own environment, over its service's");
  addCommand(env, 'set', 'set a variable; it counts from the next start')
    .argument('<instance>', 'notes:alice')
    .argument('<key>', 'KEY, or KEY=VALUE')
    .argument('[value]', 'the value (default: read from stdin, where others cannot see it in `ps`)')
    .action(async (target: string, key: string, value: string | undefined, _: unknown, command: Command) => {
      const { globals, out } = contextOf(command);
      const instance = instanceOf(target, undefined);
      const variable = await variableOf(key, value);
      const [{ connect }, { EnvResponse }] = await Promise.all([
        import('../connect.js'),
        import('../../api/protocol.js'),
      ]);
      const client = await connect(globals);
      const body: EnvSetRequest = { value: variable.value };
      const path = instancePath(instance, `/env/${variable.name}`);
      await client.request('PUT', path, EnvResponse, { body });
      done(out, formatKey(instance), variable.name, 'Set');
    });
  addCommand(env, 'unset', 'remove a variable; it counts from the next start')
    .argument('<instance>', 'notes:alice')
    .argument('<key>', 'its name')
    .action(async (target: string, key: string, _: unknown, command: Command) => {
      const { globals, out } = contextOf(command);
      const instance = instanceOf(target, undefined);
      const name = variableName(key);
      const { connect } = await import('../connect.js');
      const client = await connect(globals);
      const before = await variables(client, instance);
      mustHave(before, name);
      const { EnvResponse } = await import('../../api/protocol.js');
      await client.request('DELETE', instancePath(instance, `/env/${name}`), EnvResponse);
      done(out, formatKey(instance), name, 'Unset');
    });
  addCommand(env, 'ls', 'list the variables; values are not shown')
    .argument('<instance>', 'notes:alice')
    .argument('[key]', 'only this one')
    .action(async (target: string, key: string | undefined, _: unknown, command: Command) => {
      const { globals, out } = contextOf(command);
      const instance = instanceOf(target, undefined);
      const { connect } = await import('../connect.js');
      const client = await connect(globals);
      const answer = await variables(client, instance);
      if (key !== undefined) mustHave(answer, variableName(key));
      const rows = Object.entries(answer.env).filter(([name]) => key === undefined || name === key);
      if (out.json) return out.printJson({ id: answer.id, env: Object.fromEntries(rows) });
      out.print(table(['KEY', 'VALUE'], rows));
    });
}

async function variables(client: Client, key: InstanceKey): Promise<EnvResponse> {
  const { EnvResponse } = await import('../../api/protocol.js');
  return await client.request('GET', instancePath(key, '/env'), EnvResponse);
}

/** @throws TenementError not_found: a misspelt name would look like a variable that is gone */
function mustHave({ id, env }: EnvResponse, name: string): void {
  if (Object.hasOwn(env, name)) return;
  throw new TenementError('not_found', `${id} has no variable ${name} of its own`, {
    hint: `\`ten env ls ${id}\` lists those that it has; its service's are in tenement.toml.`,
  });
}

function done(out: Output, id: string, name: string, verb: string): void {
  if (out.json) {
    out.printJson({ id, name });
  } else {
    out.print(`${verb} ${name} for ${id}`);
    out.print(`It counts from the next start: \`ten restart ${id}\`.`);
  }
}

async function variableOf(key: string, value: string | undefined): Promise<{ name: string; value: string }> {
  const equals = key.indexOf('=');
  if (equals >= 0) {
    if (value !== undefined) throw usageError('Give KEY=VALUE or KEY VALUE, not both');
    return { name: variableName(key.slice(0, equals)), value: key.slice(equals + 1) };
  }
  const name = variableName(key);
  if (value !== undefined) return { name, value };
  if (process.stdin.isTTY === true) {
    throw usageError(`${name} has no value`, `pipe it in: ten env set notes:alice ${name} < file`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  // One line end: what `echo` and editors add. More would be part of the value.
  return {
    name,
    value: Buffer.concat(chunks)
      .toString('utf8')
      .replace(/\r?\n$/, ''),
  };
}

function variableName(text: string): string {
  if (!NAME.test(text)) {
    // The text is not repeated: someone may have pasted the secret in its place.
    throw usageError('The name of a variable is letters, digits and "_", and does not begin with a digit');
  }
  return text;
}
