import { execa } from 'execa';

/** The machine lacks what a runner of tests needs: no failure, unless CI requires it. */
export class CannotRun extends Error {}

/**
 * Makes sure that programs are there: on Debian, as root, by installing their packages. `needs`: program -> package.
 * @throws CannotRun naming what is missing
 */
export async function ensureTools(needs: Readonly<Record<string, string>>): Promise<void> {
  const missing = async (): Promise<string[]> => {
    const found = await Promise.all(Object.keys(needs).map(isTool));
    return Object.keys(needs).filter((_, i) => !found[i]);
  };
  const absent = await missing();
  if (absent.length === 0) return;
  const packages = [...new Set(absent.map((tool) => needs[tool] ?? tool))];
  if (process.geteuid?.() !== 0 || !(await isTool('apt-get'))) {
    throw new CannotRun(
      `${absent.join(', ')} not installed (on Debian: apt-get install ${packages.join(' ')})`,
    );
  }
  process.stderr.write(`# installing ${packages.join(' ')}\n`);
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, reject: false, stdout: 'ignore' } as const;
  await execa('apt-get', ['update', '-qq'], options);
  const args = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
  const { stderr } = await execa('apt-get', args, options);
  const still = await missing();
  if (still.length > 0) throw new CannotRun(`${still.join(', ')} could not be installed: ${stderr}`);
}

async function isTool(name: string): Promise<boolean> {
  const { exitCode } = await execa('sh', ['-c', 'command -v "$1"', 'sh', name], { reject: false });
  return exitCode === 0;
}

/**
 * Runs it and exits with its code; SIGINT, SIGTERM and SIGHUP abort `signal`, and it ends when all is tidied up. What this machine cannot run is told and counts as success, as with a test that is skipped; when
 * TENEMENT_REQUIRE (as in require-tool.ts) has `name`, it is a failure.
 */
export async function runOrSkip(name: string, run: (signal: AbortSignal) => Promise<number>): Promise<never> {
  const interrupt = new AbortController();
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => interrupt.abort(code));
  }
  try {
    process.exit(await run(interrupt.signal));
  } catch (error) {
    if (interrupt.signal.aborted) {
      console.error(`${name}: interrupted`);
      process.exit(interrupt.signal.reason);
    }
    if (!(error instanceof CannotRun)) throw error;
    const required = (process.env.TENEMENT_REQUIRE ?? '').split(',').includes(name);
    console.log(`${required ? 'required, but' : 'skipped:'} ${name}: ${error.message}`);
    process.exit(required ? 1 : 0);
  }
}
