/** Pure: what instances miss where systemd is older than what we ask of it. */
import type { Host } from '../contract.js';

const COSTS: Readonly<Record<string, string>> = {
  ProtectHostname: "the machine's host name is theirs, too",
  ProtectKernelLogs: "the kernel's log can be read where the kernel lets everybody",
  ProtectClock: "devices of the machine's clock are not closed by it",
  ProtectProc: 'processes of others can be listed, though not looked into',
  PrivateIPC: "System V IPC and message queues are the machine's",
  PrivateUsers: 'they have no user namespace of their own',
};

/** For the log; undefined: nothing is missing, or instances cannot be units here. */
export function lackingInUnits({ systemd }: Pick<Host, 'systemd'>): string | undefined {
  const { missing = [], version = '' } = systemd ?? {};
  if (missing.length === 0) return undefined;
  const each = missing.map((name) => (COSTS[name] === undefined ? name : `${name} (${COSTS[name]})`));
  return `systemd ${version} does not know or cannot give these properties, and units go without: ${each.join('; ')}`;
}
