import test from 'ava';
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

test('memory that ran out is told, also when the next run of the unit began before anybody could ask', async (t) => {
  const unit = new OneUnit();
  const life = unitLife(unit.manager, 'x.service', 'aa', false);
  await until('it was looked at', () => unit.asked > 0);
  unit.values = run('bb');
  unit.tell({ Result: 'oom-kill', MainPID: 0 });
  t.like(await life.exited, { oom: true, signal: 'SIGKILL', code: null, unknown: false });
});

test('how a run ended that nobody was told of stays unknown', async (t) => {
  const unit = new OneUnit();
  const life = unitLife(unit.manager, 'x.service', 'aa', false);
  await until('it was looked at', () => unit.asked > 0);
  unit.values = run('bb');
  unit.tell({ Result: 'success', MainPID: 8 });
  t.like(await life.exited, { oom: false, signal: null, code: null, unknown: true });
});
