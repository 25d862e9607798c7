import type { SerialFn } from 'ava';
import type { Identity } from '../../../isolation/contract.js';
import { haveTools } from '../../helpers/require-tool.js';

/** Away from the default `uid_range`, so that no server on this machine has them; others for each test process. */
let lastUid = 1_900_100_000 + (process.pid % 40_000) * 200;

export function newUser(exclusive: boolean): Identity {
  lastUid += 1;
  return { uid: lastUid, gid: lastUid, exclusive };
}

/** `tool`: what CI may require, so that its absence is a failure there. */
export function skipped(test: SerialFn, name: string, reason: string, tool?: string): void {
  test(name, (t) => {
    if (tool !== undefined && !haveTools(t, tool)) return;
    t.log(`skipped: ${reason}`);
    t.pass();
  });
}
