/** What systemd is doing with a unit right now. */
import { execa } from 'execa';

export type JobType = 'start' | 'stop' | 'restart' | 'try-restart' | 'reload' | 'verify-active';

/**
 * The job of `unit` that is under way. Undefined when there is none, as when somebody has sent a signal by hand, or when systemd does
 * not answer.
 */
export async function jobOf(unit: string): Promise<JobType | undefined> {
  const { stdout } = await execa(
    'systemctl',
    ['list-jobs', '--no-legend', '--no-pager', '--plain', '--full'],
    {
      reject: false,
      timeout: 5000,
      stdin: 'ignore',
    },
  );
  return jobIn(stdout ?? '', unit);
}

/** Pure: rows are `ID UNIT TYPE STATE`. */
export function jobIn(rows: string, unit: string): JobType | undefined {
  for (const row of rows.split('\n')) {
    const [, name, type] = row.trim().split(/\s+/);
    if (name === unit) return type as JobType;
  }
  return undefined;
}
