import type { Command } from 'commander';
import { addDisabledSwitch } from '../disabled-switch.js';

export function addEnable(program: Command): void {
  addDisabledSwitch(program, {
    verb: 'enable',
    description: 'let a disabled instance run again',
    remark: (name, want) =>
      want === 'down' ? `It is held: \`ten start ${name}\` starts it.` : 'The next request wakes it.',
  });
}
