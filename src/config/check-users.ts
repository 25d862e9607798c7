import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { TenementError } from '../base/errors.js';
import type { ReportedProblem } from './load.js';
import { locator } from './positions.js';
import type { Config } from './schema.js';

/**
 * Whether the users that services name exist on this machine, by id(1), which asks whatever the system has (files, LDAP ...).
 * Apart from the other checks, since it starts a program. Asked by `ten check` and by a reload; not when the server starts: an LDAP server that is
 * down then must not keep everybody down.
 * @throws TenementError config_invalid with every one that does not, as loadConfig does
 */
export async function checkUsers(config: Config): Promise<void> {
  const named = Object.entries(config.service).filter(([, { user }]) => user !== '' && user !== 'auto');
  const missing = await Promise.all(
    named.map(async ([name, { user }]) => ({ name, user, exists: await userExists(user) })),
  );
  const problems = missing
    .filter(({ exists }) => !exists)
    .map(({ name, user }) => problemOf(config, name, user));
  if (problems.length === 0) return;
  const text = problems.map(({ file, line, key, problem }) => `${file}:${line ?? ''}: ${key}: ${problem}`);
  throw new TenementError('config_invalid', text.join('\n'), {
    hint: 'Create the user, correct its name, or use `user = "auto"`; then run `ten check` again.',
    details: { problems },
  });
}

async function userExists(user: string): Promise<boolean> {
  return (await execa('id', ['-u', '--', user], { reject: false })).exitCode === 0;
}

function problemOf({ path: file }: Config, service: string, user: string): ReportedProblem {
  const position = locator(readFileSync(file, 'utf8'))(['service', service, 'user']);
  return {
    file,
    line: position?.line,
    column: position?.column,
    key: `service.${service}.user`,
    problem: `there is no user "${user}" on this machine`,
    suggestion: undefined,
  };
}
