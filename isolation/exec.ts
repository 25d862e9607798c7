/** A command inside a running instance: what `ten exec` starts. */
import { TenementError } from '../src/base/errors.js';
import type { Launch } from './argv.js';
import { execLaunch } from './exec-argv.js';
import { lookAt, type Running } from './running.js';
import { isFilterArch } from './seccomp.js';
import { which } from './which.js';

export type { Launch } from './argv.js';
export { NOT_JOINED } from './exec-argv.js';

export interface ExecRequest {
  /** The instance's main process, as this machine numbers it. */
  readonly pid: number;
  readonly service: string;
  readonly tenant: string;
  readonly command: readonly [string, ...string[]];
  /** Over the instance's own environment. */
  readonly extraEnv: Readonly<Record<string, string>>;
}

/**
 * The command line for it, with fd 3 as in Launch.
 * @throws TenementError `forbidden` for who is neither root nor the instance's user, `conflict` when it does not run, `isolation_unavailable`
 */
export async function prepareExec({ service, tenant, ...request }: ExecRequest): Promise<Launch> {
  const name = `${service}:${tenant}`;
  if (process.platform !== 'linux')
    throw new TenementError('isolation_unavailable', 'only Linux lets a program in where another one runs');
  const self = process.geteuid?.() ?? -1;
  const running = await lookAt(request.pid).catch((error: unknown) => {
    throw new TenementError('forbidden', `this user may not look into ${name}`, {
      hint: 'Only root, or the user that the server runs as, can: sudo ten exec ...',
      cause: error,
    });
  });
  check(running, name, service, tenant);
  if (self !== 0 && running.uid !== self) {
    throw new TenementError('forbidden', `${name} runs as user ${running.uid}, and this is user ${self}`, {
      hint: 'Only root can become its user: sudo ten exec ...',
    });
  }
  const find = (tool: string): Promise<string | undefined> =>
    which(tool, {
      env: { PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin` },
      directory: '/',
      identity: undefined,
    }).catch(() => undefined);
  const [setpriv, perl] = await Promise.all([find('setpriv'), find('perl')]);
  if (setpriv === undefined) throw missing('setpriv was not found', 'Install util-linux.');
  const { pid: _, ...rest } = request;
  const arch = isFilterArch(process.arch) ? process.arch : undefined;
  try {
    return execLaunch({ ...rest, running, self, tools: { setpriv, perl }, arch });
  } catch (error) {
    throw missing(error instanceof Error ? error.message : String(error), 'Install perl (perl-base).');
  }
}

/** The pid came from elsewhere, perhaps a moment ago. */
function check(
  running: Running | undefined,
  name: string,
  service: string,
  tenant: string,
): asserts running is Running {
  if (running === undefined) {
    throw new TenementError('conflict', `${name} has just ended`, {
      hint: '`ten spawn` starts it; `ten logs` has what it wrote.',
    });
  }
  const { TENEMENT_SERVICE, TENEMENT_INSTANCE } = running.env;
  if (TENEMENT_SERVICE === service && TENEMENT_INSTANCE === tenant) return;
  throw new TenementError('conflict', `the environment of process ${running.pid} is not that of ${name}`, {
    hint: 'A program that changes its title can overwrite it. If it does not, restart the instance.',
  });
}

function missing(reason: string, hint: string): TenementError {
  return new TenementError('isolation_unavailable', `a command cannot be run inside: ${reason}`, { hint });
}
