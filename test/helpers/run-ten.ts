import { execa } from 'execa';
import { TEN } from './example-server.js';

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Stdin; nothing (not a terminal) by default. */
  readonly input?: string;
}

export interface Run {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `ten` with none of our own TENEMENT_* variables, so that a developer's shell does not decide a test. */
export function startTen(args: readonly string[], { cwd, env, input }: RunOptions) {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(TENEMENT_|NO_COLOR$|FORCE_COLOR$|CI$)/.test(name)),
  );
  return execa(TEN[0], [TEN[1], ...args], {
    cwd,
    env: { ...clean, ...env },
    extendEnv: false,
    reject: false,
    // Without it execa would leave stdin open, and a command that reads it would wait for ever.
    input: input ?? '',
  });
}

/** Runs `ten` to its end. */
export async function runTen(args: readonly string[], options: RunOptions): Promise<Run> {
  const { exitCode, stdout, stderr } = await startTen(args, options);
  return { exitCode, stdout: String(stdout), stderr: String(stderr) };
}
