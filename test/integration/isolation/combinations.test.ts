import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Handle, Spec } from '../../../isolation/contract.js';
import { createBackends, probeHost } from '../../../isolation/index.js';
import { createSocketBackend } from '../../../isolation/socket-activation.js';
import { createSystemdBackend } from '../../../isolation/systemd-unit.js';
import { asTenementError } from '../../../src/base/errors.js';
import { refusal } from '../../../src/config/combinations.js';
import { openEndpoint, standingEndpoint } from '../../../src/supervisor/endpoint.js';
import { Ports } from '../../../src/supervisor/ports.js';
import type { SystemdManager } from '../../../systemd/manager.js';
import { freshDir } from '../../helpers/fresh-dir.js';
import { haveTools } from '../../helpers/require-tool.js';
import { Bench } from './bench.js';
import { newUser } from './variants.js';

const LISTENS = ['port', 'unix', 'fd'] as const;
const never = () => new AbortController().signal;

/** One for each call of a method: whoever asks it has refused nothing. */
const REACHED = new Error('systemd was asked');
const manager = new Proxy({}, { get: () => () => Promise.reject(REACHED) }) as SystemdManager;

test('what the configuration refuses for units, their start refuses, and nothing else', async (t) => {
  if (!haveTools(t, 'setpriv')) return;
  const host = await probeHost();
  const bench = new Bench(t, newUser(true));
  for (const isolation of ['systemd', 'socket-activation'] as const) {
    const backend = { systemd: createSystemdBackend, 'socket-activation': createSocketBackend }[isolation](
      host,
      manager,
      '/data',
    );
    for (const network of ['host', 'egress', 'none'] as const) {
      for (const listen of LISTENS) {
        const kind = { isolation, network, listen };
        const spawn = async () => {
          const ports = new Ports([20_000, 29_000]);
          const endpoint =
            isolation === 'socket-activation'
              ? await standingEndpoint(kind, '/run/x', undefined, ports)
              : await openEndpoint(kind, undefined, ports, freshDir(t));
          t.teardown(() => void endpoint.socket?.close());
          await backend.spawn(specOf(bench, kind.network, endpoint), never());
        };
        const error = await t.throwsAsync(spawn);
        const refused = error !== REACHED && asTenementError(error).code === 'isolation_unavailable';
        t.is(refused, refusal(kind) !== undefined, `${isolation}, ${network}, ${listen}: ${error?.message}`);
      }
    }
  }
});

test('what the configuration accepts for the other isolations starts', async (t) => {
  if (process.geteuid?.() !== 0) {
    t.log('skipped: needs root');
    return t.pass();
  }
  if (!haveTools(t, 'setpriv', 'unshare', 'bwrap', 'perl')) return;
  const host = await probeHost();
  const backends = createBackends(host);
  for (const isolation of ['process', 'namespace', 'sandbox'] as const) {
    for (const network of ['host', 'none'] as const) {
      for (const listen of LISTENS) {
        const kind = { isolation, network, listen };
        if (refusal(kind) !== undefined) continue;
        const bench = new Bench(t, newUser(true));
        const data = join(bench.directory, 'data');
        mkdirSync(data);
        const endpoint = await openEndpoint(kind, undefined, new Ports([20_000, 29_000]), data);
        t.teardown(() => void endpoint.socket?.close());
        const spawned = backends.get(isolation)?.spawn(specOf(bench, network, endpoint), never());
        const handle: Handle | undefined = await spawned;
        t.truthy(handle, `${isolation}, ${network}, ${listen}`);
        await handle?.stop({ graceMs: 0 });
      }
    }
  }
});

function specOf(
  bench: Bench,
  network: 'host' | 'egress' | 'none',
  { address, socket, forwardTo }: Awaited<ReturnType<typeof openEndpoint>>,
): Spec {
  return {
    ...bench.spec(['/bin/sleep', '60']),
    address,
    network,
    // No rules on loopback: they would be the machine's.
    ...(socket !== undefined && { socket }),
    ...(forwardTo !== undefined && { forwardTo }),
  };
}
