import { readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

export const NEXT = '/srv/tenement-next';

/** Another version of the program that is installed, at NEXT. */
export async function nextProgram(name: string): Promise<void> {
  rmSync(NEXT, { recursive: true, force: true });
  await execa('cp', ['-a', join('/opt/tenement', readlinkSync('/opt/tenement/current')), NEXT]);
  const path = join(NEXT, 'package.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), version: name }));
}
