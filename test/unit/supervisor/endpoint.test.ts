import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { closeEndpoint, openEndpoint, sweepEndpoints } from '../../../src/supervisor/endpoint.js';
import { Ports } from '../../../src/supervisor/ports.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const service = { listen: 'unix', isolation: 'namespace', network: 'none' } as const;

/** As an app that may write there can do. */
function deeperThanAnyPath(directory: string): void {
  const name = 'd'.repeat(200);
  const script = `for (let i = 0; i < 40; i += 1) { fs.mkdirSync('${name}'); process.chdir('${name}') }`;
  execFileSync(process.execPath, ['-e', script], { cwd: directory });
}

test('whatever an app leaves beside its socket is removed with it, and by the next server', async (t) => {
  const dataDir = freshDir(t);
  const ports = new Ports([30_000, 30_001]);
  const first = await openEndpoint(service, undefined, ports, dataDir);
  const second = await openEndpoint(service, undefined, ports, dataDir);
  const kept = await openEndpoint(service, undefined, ports, dataDir);
  for (const { directory = '' } of [first, second]) deeperThanAnyPath(directory);
  await closeEndpoint(first.address, ports);
  t.false(existsSync(first.directory ?? ''));
  mkdirSync(join(second.directory ?? '', 'more'));
  await sweepEndpoints(dataDir, [kept.address]);
  t.deepEqual(
    readdirSync(join(dataDir, '.run')).map((name) => join(dataDir, '.run', name)),
    [dirname(kept.socketPath ?? '')],
  );
});
