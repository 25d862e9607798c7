import type { Command } from 'commander';
import { TenementError } from '../../base/errors.js';
import { addCommand } from '../globals.js';

/** Commands of the contract whose feature comes later: named, so that nobody takes their absence for a typing error. */
const LATER: readonly [name: string, does: string, instead: string][] = [
  ['top', 'a live table of the instances', '`watch ten ps -o wide` comes near.'],
  ['explain', 'why an instance woke or stopped', '`ten logs --stream tenement` has what the server did.'],
];

export function addLater(program: Command): void {
  for (const [name, does, instead] of LATER) {
    addCommand(program, name, does)
      .argument('[args...]')
      .allowUnknownOption()
      .action(() => {
        throw new TenementError('not_yet', `This version of tenement has no \`ten ${name}\` yet`, {
          hint: instead,
        });
      });
  }
}
