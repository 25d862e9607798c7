import test from 'ava';
import type { Exit } from '../../../../isolation/contract.js';
import { unitLife } from '../../../../isolation/unit/life.js';
import type { PropertyValues, SystemdManager, UnitNews } from '../../../../systemd/manager.js';
import { until } from '../../../helpers/until.js';

/** A manager that knows one unit. */
class OneUnit {
  values: PropertyValues | undefined = run('aa');
  asked = 0;
  #listener: (news: UnitNews) => void = () => undefined;

  readonly manager = {
    watch: (_unit: string, listener: (news: UnitNews) => void) => {
      this.#listener = listener;
      return () => undefined;
    },
    properties: async () => {
      this.asked += 1;
      return this.values;
    },
  } as unknown as SystemdManager;

  tell(values?: PropertyValues): void {
    this.#listener({ unit: 'x.service', kind: 'changed', ...(values && { values }) });
  }
}

const run = (id: string): PropertyValues => ({
  InvocationID: Uint8Array.from(Buffer.from(id, 'hex')),
  ActiveState: 'active',
  MainPID: 7,
});

const SEVEN = { unit: 'x.service', pid: 7, invocation: 'aa' };

async function ended(news: PropertyValues): Promise<Exit> {
  const unit = new OneUnit();
  const life = unitLife(unit.manager, SEVEN, false);
  await until('it was looked at', () => unit.asked > 0);
  unit.values = run('bb');
  unit.tell(news);
  return await life.exited;
}

const ENDS: [string, PropertyValues, Partial<Exit>][] = [
  [
    'out of memory',
    { ExecMainCode: 2, ExecMainStatus: 9, Result: 'oom-kill' },
    { signal: 'SIGKILL', oom: true },
  ],
  [
    'by a signal',
    { ExecMainCode: 3, ExecMainStatus: 11, Result: 'core-dump' },
    { signal: 'SIGSEGV', oom: false },
  ],
  ['with a code', { ExecMainCode: 1, ExecMainStatus: 7, Result: 'exit-code' }, { code: 7, signal: null }],
  ['in order', { ExecMainCode: 1, ExecMainStatus: 0, Result: 'success' }, { code: 0, signal: null }],
];

for (const [how, news, exit] of ENDS) {
  test(`how a run ended is known though the next one began before anybody could ask: ${how}`, async (t) => {
    t.like(await ended({ ...news, MainPID: 0, ExecMainPID: 7 }), { ...exit, unknown: false });
  });
}

test('how a run ended that nobody was told of stays unknown', async (t) => {
  const unknown = { oom: false, signal: null, code: null, unknown: true };
  t.like(await ended({ Result: 'success', MainPID: 8, ExecMainPID: 8, ExecMainCode: 0 }), unknown);
  t.like(
    await ended({ Result: 'exit-code', MainPID: 0, ExecMainPID: 8, ExecMainCode: 1 }),
    unknown,
    'of another run',
  );
});
