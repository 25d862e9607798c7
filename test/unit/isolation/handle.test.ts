import test from 'ava';
import type { Exit, Host, Ref } from '../../../isolation/contract.js';
import { createHandle } from '../../../isolation/handle.js';

const REF: Ref = {
  version: 1,
  backend: 'systemd',
  run: 'r',
  pid: 1,
  startTime: '',
  bootId: 'boot',
  address: { path: '/nonexistent' },
  cgroup: undefined,
  uid: undefined,
  startedAt: 0,
};
const HOST: Host = {
  platform: 'linux',
  root: false,
  cgroupRoot: undefined,
  controllers: [],
  bootId: 'boot',
  tools: {},
};
const ENDED: Exit = { code: 0, signal: null, oom: false, at: 0, unknown: false };

test('a stop that failed is tried again with a grace of its own: the app has its time, whatever passed meanwhile', async (t) => {
  const asked: string[] = [];
  let isAway = true;
  let exit: (exit: Exit) => void = () => {};
  const exited = new Promise<Exit>((resolve) => {
    exit = resolve;
  });
  const handle = createHandle(
    REF,
    HOST,
    {
      exited,
      adopted: false,
      check: async () => undefined,
      release: () => undefined,
      terminate: async () => {
        if (isAway) throw new Error('nobody can be asked');
        asked.push('TERM');
        setTimeout(() => exit(ENDED), 50);
      },
    },
    {
      members: async () => [],
      remember: async () => undefined,
      kill: async () => {
        asked.push('KILL');
        return false;
      },
      cleanUp: async () => undefined,
    },
    'none',
  );
  await t.throwsAsync(handle.stop({ graceMs: 1 }), { message: 'nobody can be asked' });
  await new Promise((resolve) => setTimeout(resolve, 20));
  isAway = false;
  let ended = false;
  void exited.then(() => {
    ended = true;
    asked.push('end');
  });
  await handle.stop({ graceMs: 60_000 });
  t.true(ended);
  t.deepEqual(asked.slice(0, 3), ['TERM', 'end', 'KILL']);
});
