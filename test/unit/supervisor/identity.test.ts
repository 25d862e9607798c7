import test from 'ava';
import { probeHost } from '../../../isolation/index.js';
import type { Registry } from '../../../src/state/types.js';
import { identityFor } from '../../../src/supervisor/identity.js';

const key = { service: 'notes', id: 'alice' };
const registry = { uidFor: () => 1_900_000_000 } as unknown as Registry;

test('a user that does not exist is told as that, also by a server that could give none', async (t) => {
  const host = { ...(await probeHost()), root: false };
  await t.throwsAsync(identityFor('no-such-user-here', key, [1, 2], host, registry), {
    code: 'start_failed',
    message: /no user "no-such-user-here"/,
  });
  await t.throwsAsync(identityFor('root', key, [1, 2], host, registry), {
    code: 'isolation_unavailable',
    message: /does not run as root/,
  });
  t.is(await identityFor('', key, [1, 2], host, registry), undefined);
});
