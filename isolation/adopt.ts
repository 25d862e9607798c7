/** Taking over what an earlier server has started. */
import type { Adoption, Host, Ref } from './contract.js';
import { createHandle } from './handle.js';
import { endLeftovers } from './leftovers.js';
import { adoptedLife, isSameProcess } from './life.js';
import { retakeNetwork } from './network/network.js';
import { treeOf } from './tree.js';

/** How often an adopted process is looked at. On macOS each look starts ps(1). */
const WATCH_MS = process.platform === 'linux' ? 200 : 1000;

/** As Backend.adopt: never starts anything. */
export async function adopt(ref: Ref, host: Host): Promise<Adoption> {
  // After a reboot nothing of it lives, whatever has its pid now.
  if (ref.bootId !== host.bootId) return { kind: 'gone' };
  if (await isSameProcess(ref)) {
    // It has them already; that they cannot be renewed is no reason to lose it.
    await retakeNetwork(ref, host).catch(() => undefined);
    return {
      kind: 'adopted',
      handle: createHandle(ref, host, adoptedLife(ref, WATCH_MS), treeOf(ref, host)),
    };
  }
  const left = await endLeftovers(ref, host);
  if (left.length === 0) return { kind: 'gone' };
  return {
    kind: 'unproven',
    reason: `its main process ${ref.pid} has ended, but ${left.join(', ')} of the same run still live and could not be ended`,
  };
}
