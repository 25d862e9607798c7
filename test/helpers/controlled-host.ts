import { findCgroupRoot } from '../../isolation/cgroup-root.js';
import type { Host } from '../../isolation/contract.js';
import { enableControllers } from '../../isolation/controllers.js';
import { probeHost } from '../../isolation/host.js';

/**
 * This machine as a server sees it that has set limits already.
 * @throws when cgroup v2 does not have the controllers here: a test that needs them would check nothing
 */
export async function controlledHost(): Promise<Host> {
  const root = await findCgroupRoot();
  if (root === undefined) throw new Error('no cgroup v2 directory is writable here');
  await enableControllers(root);
  const host = await probeHost();
  const missing = ['memory', 'cpu', 'pids'].filter((name) => !host.controllers.includes(name));
  if (missing.length > 0) throw new Error(`cgroup v2 has no ${missing.join(', ')} below ${root}`);
  return host;
}
