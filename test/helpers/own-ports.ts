import { readFileSync, writeFileSync } from 'node:fs';
import { freePorts } from './free-port.js';

/** More than any test's instances. */
const PORTS = 60;

type Range = readonly [first: number, last: number];

/** Ports for the instances of one server, which no server beside it tries. */
export const ownPorts = (): Promise<Range> => freePorts(PORTS);

/** A tenement.toml with that `port_range`, unless the text has its own. */
export function withPorts(toml: string, range: Range): string {
  if (/^port_range *=/m.test(toml)) return toml;
  const line = `port_range = [${range.join(', ')}]\n`;
  const settings = /^\[settings\] *\n/m;
  return settings.test(toml) ? toml.replace(settings, (table) => table + line) : `[settings]\n${line}${toml}`;
}

/** Gives a tenement.toml that is there already ports of its own. */
export async function giveOwnPorts(file: string): Promise<void> {
  writeFileSync(file, withPorts(readFileSync(file, 'utf8'), await ownPorts()));
}
