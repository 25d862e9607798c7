/** A start that never comes to the app is told as such, with the name of the unit whose journal says more. */
import test from 'ava';
import { createBackends, probeHost, select, socketPath } from '../../isolation/index.js';
import type { TenementError } from '../../src/base/errors.js';
import { freePort } from '../helpers/free-port.js';
import { Bench, start } from '../integration/isolation/bench.js';
import { newUser } from '../integration/isolation/variants.js';

const host = await probeHost();
const backends = createBackends(host, '/unprepared');
/** What an app shall see that is not there: exit status 226 (systemd.exec(5), NAMESPACE). */
const NOWHERE = ['BindReadOnlyPaths', 'a(ssbt)', [['/nonexistent', '/nonexistent', false, 0n]]] as const;

for (const [isolation, passedOn] of [
  ['systemd', false],
  ['socket-activation', false],
  ['socket-activation', true],
] as const) {
  test(`${isolation}${passedOn ? ', passed on' : ''}: what systemd cannot prepare is no end of the app`, async (t) => {
    const backend = select(backends, isolation, host);
    const bench = new Bench(t, newUser(true));
    const plain = bench.spec(bench.app('never-listens'));
    t.teardown(() => backend.sockets?.close(plain, { graceMs: 0 }));
    const spec = {
      ...plain,
      ...(isolation === 'socket-activation' && { address: { path: socketPath(plain) } }),
      ...(passedOn && { forwardTo: await freePort(), network: 'none' as const }),
      unitProperties: [NOWHERE],
    };
    for (let i = 0; i < 3; i += 1) {
      const error = await t.throwsAsync<TenementError>(start(t, backend, spec), { code: 'start_failed' });
      const unit = /systemd could not prepare (\S+) \(exit status 226/.exec(error?.message ?? '')?.[1] ?? '';
      t.regex(unit, /^tenement-.*\.service$/, error?.message);
      t.true(error?.hint.includes(`journalctl -u '${unit}'`), error?.hint);
    }
  });
}
