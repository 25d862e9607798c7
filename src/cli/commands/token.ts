import { type Command, Option } from 'commander';
import { addCommand } from '../globals.js';
import type { TokenOptions } from '../make-token.js';
import { contextOf } from '../output.js';
import { table } from '../render.js';

export function addToken(program: Command): void {
  addMaker(
    program,
    'token-gen',
    'make an admin token, or one for a tenant, with or without a running server',
  );
  const token = addCommand(program, 'token', 'make, list and revoke tokens');
  addMaker(token, 'create', 'the same as token-gen');
  addCommand(token, 'ls', 'list the tokens, without their secret part').action(
    async (_: unknown, command: Command) => {
      const { globals, out } = contextOf(command);
      const { tokenSource } = await import('../token-source.js');
      const tokens = await (await tokenSource(globals)).list();
      if (out.json) return out.printJson(tokens);
      const rows = tokens.map((row) => [
        row.prefix,
        row.tenant === null ? row.scope : `${row.scope} ${row.tenant}`,
        row.created_at,
        row.last_used_at ?? '-',
        row.description,
      ]);
      out.print(table(['PREFIX', 'SCOPE', 'CREATED', 'LAST USED', 'DESCRIPTION'], rows));
    },
  );
  addCommand(token, 'revoke', 'end a token at once')
    .argument('<prefix>', 'what `ten token ls` shows, or the whole token')
    .action(async (given: string, _: unknown, command: Command) => {
      const { globals, out } = contextOf(command);
      // Whoever found a leaked token has all of it; the secret part goes no further than here.
      const prefix = given.split('_').slice(0, 2).join('_');
      const { tokenSource } = await import('../token-source.js');
      await (await tokenSource(globals)).revoke(prefix);
      if (out.json) return out.printJson({ prefix, revoked: true });
      out.print(`Revoked ${prefix}`);
    });
}

function addMaker(parent: Command, name: string, description: string): void {
  addCommand(parent, name, description)
    .option('--tenant <id>', 'a token that sees only the instances with this id')
    .addOption(
      new Option('--scope <scope>', 'create: may make new instances and nothing else').choices([
        'admin',
        'tenant',
        'create',
      ]),
    )
    .option('--description <text>', 'what it is for')
    .action(async (options: TokenOptions, command: Command) => {
      const { makeToken } = await import('../make-token.js');
      await makeToken(contextOf(command), options);
    });
}
