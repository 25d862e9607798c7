/** Pure: an environment as a file for EnvironmentFile= (systemd.exec(5)). */
import { TenementError } from '../../src/base/errors.js';

/**
 * Not `Environment=`: whatever a unit has there every user of the machine can read over the bus, and in /run/systemd/transient.
 * @throws TenementError `start_failed` for a value that systemd would leave out without an error
 */
export function environmentFile(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}="${escaped(name, value)}"\n`)
    .join('');
}

/** What systemd unescapes between double quotes (env-file.c). Line breaks stand for themselves. */
function escaped(name: string, value: string): string {
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(value) || /\p{Surrogate}/u.test(value)) {
    throw new TenementError(
      'start_failed',
      `the environment variable ${name} has a control character in its value, which systemd does not pass on`,
      { hint: 'Give the value in another form, such as base64; or use another `isolation`.' },
    );
  }
  return value.replace(/["\\`$]/g, '\\$&');
}
