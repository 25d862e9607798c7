/** Whether namespaces work here is found out by making some: settings, security modules and containers forbid them in too many ways to read. */
import { execa } from 'execa';
import type { Builder } from './builder.js';
import type { Trial } from './contract.js';
import { namespaceLaunch } from './namespace-argv.js';
import { builtLaunch } from './namespace-build.js';
import { rootScript } from './private-root.js';
import { planRoot } from './root-plan.js';
import { systemView } from './system-view.js';

const NOBODY = 65534;
const TIMEOUT_MS = 10_000;

/** Starts true(1) as the `namespace` backend starts an instance, with a network of its own or without. Never rejects. */
export async function tryNamespaces(
  tools: { readonly unshare: string; readonly setpriv: string },
  builder: Builder | undefined,
  root: boolean,
  network: 'host' | 'none',
): Promise<Trial> {
  try {
    const identity = root ? { uid: NOBODY, gid: NOBODY } : undefined;
    const plan = planRoot({
      system: await systemView(),
      views: [],
      identity,
      home: '/tmp',
      hostname: undefined,
      hosts: '',
      unprivileged: !root,
    });
    const contained = {
      command: ['/bin/true'] as const,
      env: {},
      directory: '/tmp',
      home: '/tmp',
      groups: [],
      identity,
      network,
      socket: false,
      tools,
    };
    const { file, args, env } =
      builder !== undefined
        ? builtLaunch({ ...contained, builder, plan, limits: {} })
        : namespaceLaunch({ ...contained, limits: '', root: rootScript(plan) });
    const result = await execa(file, args, {
      env,
      extendEnv: false,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
      reject: false,
    });
    const said = `${result.stdio[3] ?? ''}`.replace(/^ok$/m, '');
    const reason = said.trim().replaceAll(/\s*\n\s*/g, '; ') || (result.message ?? '');
    return { works: result.exitCode === 0, reason };
  } catch (error) {
    return { works: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Starts true(1) in bubblewrap, as instances are. Never rejects. */
export async function tryBubblewrap(bwrap: string, root: boolean): Promise<Trial> {
  const user = root ? [] : ['--unshare-user', '--disable-userns'];
  const args = [
    '--unshare-pid',
    '--unshare-net',
    ...user,
    '--ro-bind',
    '/',
    '/',
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '/bin/true',
  ];
  const result = await execa(bwrap, args, { stdin: 'ignore', timeout: TIMEOUT_MS, reject: false });
  return {
    works: result.exitCode === 0,
    reason: result.exitCode === 0 ? '' : result.stderr || (result.message ?? ''),
  };
}
