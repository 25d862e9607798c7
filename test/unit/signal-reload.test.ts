import test from 'ava';
import { TenementError } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { signalReload } from '../../src/signal-reload.js';
import type { AuditRow } from '../../src/state/types.js';

const NOTHING = { changed: [], added: [], removed: [], keys: [], listed: [], unlisted: [] };

function world(reload: () => Promise<typeof NOTHING>, add?: () => void) {
  const rows: AuditRow[] = [];
  const audit = { add: add ?? ((row: AuditRow) => void rows.push(row)) };
  return { rows, run: signalReload({ control: { reload }, audit, now: () => 7, log: silentLog }) };
}

test('a reload by signal leaves a row, whether it worked or not', async (t) => {
  let outcome: () => Promise<typeof NOTHING> = async () => NOTHING;
  const { rows, run } = world(() => outcome());
  await run();
  outcome = async () => {
    throw new TenementError('config_invalid', 'line 3 is wrong');
  };
  await run();
  const row = { at: 7, actor: 'signal', action: 'reload', target: '' };
  t.deepEqual(rows, [
    { ...row, outcome: 'ok', detail: 'changed 0, added 0, removed 0, keys 0, listed 0, unlisted 0' },
    { ...row, outcome: 'failed', detail: 'config_invalid: line 3 is wrong' },
  ]);
});

test('signals during a reload ask for one more after it, never for two at once', async (t) => {
  let calls = 0;
  let open = 0;
  const ends: (() => void)[] = [];
  const { rows, run } = world(async () => {
    calls += 1;
    open += 1;
    t.is(open, 1);
    if (calls === 1) await new Promise<void>((resolve) => ends.push(resolve));
    open -= 1;
    return NOTHING;
  });
  const done = [run(), run(), run()];
  t.is(calls, 1);
  ends[0]?.();
  await Promise.all(done);
  t.is(calls, 2);
  t.is(rows.length, 2);
});

test('an audit trail that cannot be written ends nothing', async (t) => {
  const { run } = world(
    async () => NOTHING,
    () => {
      throw new Error('disk full');
    },
  );
  await t.notThrowsAsync(run());
});
