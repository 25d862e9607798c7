import { type Identity, unreachable, which } from '../../isolation/index.js';
import { TenementError } from '../base/errors.js';

export interface Reach {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly identity: Identity;
}

/**
 * Whether an instance's user gets at its working directory and its program, before anything is created for it.
 * @throws TenementError `path_unreachable` naming the directory in the way, `start_failed` when there is no such command.
 */
export async function checkReach({ command, env, directory, identity }: Reach): Promise<void> {
  const problem = await unreachable(directory, identity, 'enter');
  if (problem !== undefined) throw new TenementError('path_unreachable', problem);
  await which(command, { env, directory, identity });
}
