import test from 'ava';
import { exitOf, invocationOf, isOver } from '../../../../isolation/unit/state.js';

const RUNNING = { ActiveState: 'active', MainPID: 7, ExecMainCode: 0, ExecMainStatus: 0, Result: 'success' };
const ENDED = { ...RUNNING, ActiveState: 'inactive', MainPID: 0, ExecMainExitTimestamp: 5_000_000n };

test('while its main process lives there is no exit, whatever the state of the unit', (t) => {
  for (const ActiveState of ['active', 'activating', 'deactivating'])
    t.is(exitOf({ ...RUNNING, ActiveState }, 1), undefined);
});

test('an exit code, with the time that systemd saw it', (t) => {
  const values = { ...ENDED, ExecMainCode: 1, ExecMainStatus: 7, Result: 'exit-code' };
  t.deepEqual(exitOf(values, 1), { code: 7, signal: null, oom: false, at: 5000, unknown: false });
});

test('a deadly signal, also with a core dump', (t) => {
  for (const ExecMainCode of [2, 3]) {
    const values = { ...ENDED, ExecMainCode, ExecMainStatus: 9, Result: 'signal' };
    t.like(exitOf(values, 1), { code: null, signal: 'SIGKILL', unknown: false });
  }
});

test('the end of its memory', (t) => {
  const values = { ...ENDED, ActiveState: 'failed', ExecMainCode: 2, ExecMainStatus: 9, Result: 'oom-kill' };
  t.like(exitOf(values, 1), { signal: 'SIGKILL', oom: true });
});

test('the main process has ended while others of the unit are still being stopped', (t) => {
  const values = { ...ENDED, ActiveState: 'deactivating', ExecMainCode: 1, ExecMainStatus: 0 };
  t.like(exitOf(values, 1), { code: 0, signal: null });
  t.false(isOver(values));
});

test('of a unit that systemd has forgotten, only that it is over is known', (t) => {
  t.deepEqual(exitOf(undefined, 3), { code: null, signal: null, oom: false, at: 3, unknown: true });
  t.true(isOver(undefined));
});

test('a unit whose process never ran', (t) => {
  t.like(exitOf({ ...ENDED, ExecMainExitTimestamp: 0n }, 3), { code: null, at: 3, unknown: true });
});

test('the run of a unit as hex digits', (t) => {
  t.is(invocationOf({ InvocationID: Buffer.from([1, 255]) }), '01ff');
  t.is(invocationOf({}), '');
});
