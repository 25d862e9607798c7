/** What to do or to look at after an installation, for people. Pure. */
import type { InstallPlan } from './install.js';
import type { Layout } from './layout.js';

export function nextAfter(
  { steps, record, listen }: InstallPlan,
  { config }: Pick<Layout, 'config'>,
): string {
  if (steps.length === 0) return `next: \`sudo ten reload\` after a change of ${config}.`;
  if (record.owed !== undefined) return 'next: `sudo ten install` starts it.';
  const port = listen.map((address) => /:(\d+)$/.exec(address)?.[1]).find((found) => found !== undefined);
  const plain = port === undefined || port === '80' ? '' : `:${port}`;
  const address = record.caddy ? `https://${record.domain}` : `http://${record.domain}${plain}`;
  return `next: \`sudo ten ps\` shows who is awake; the server is at ${address}, instances at names below that.`;
}
