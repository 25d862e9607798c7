import type { Command } from 'commander';
import { addDisabledSwitch } from '../disabled-switch.js';

export function addDisable(program: Command): void {
  addDisabledSwitch(program, {
    verb: 'disable',
    description: 'stop an instance now and answer 503 until it is enabled',
    remark: (name) => `Requests get 503 until \`ten enable ${name}\`.`,
  });
}
