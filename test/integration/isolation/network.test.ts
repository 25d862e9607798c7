import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { probeHost } from '../../../isolation/index.js';
import { patience } from '../../helpers/patience.js';
import { haveTools } from '../../helpers/require-tool.js';

/** As network-scene.ts prints it. */
interface Scene {
  readonly reached: Readonly<Record<string, true | string>>;
  readonly proxied: boolean;
  readonly adoption: string;
  readonly during: string;
  readonly left: string;
  readonly stale: readonly [string, string];
}

const scene = join(dirname(fileURLToPath(import.meta.url)), 'network-scene.js');
const host = await probeHost();

/** What an instance must reach; everything else that is tried must be refused. */
const REACHED = {
  host: /^(world|private|resolver|allowed|own)/,
  egress: /^(world|resolver|allowed|own)/,
};

for (const backend of ['namespace', 'sandbox'] as const) {
  for (const network of ['host', 'egress'] as const) {
    test.serial(
      `${backend}, network ${network}: what an instance reaches, and what is left of it`,
      async (t) => {
        if (!host.root) {
          t.log('skipped: needs root');
          return t.pass();
        }
        if (!haveTools(t, 'unshare', 'ip', 'nft', 'nsenter')) return;
        if (backend === 'sandbox' && !haveTools(t, 'bwrap')) return;
        const { stdout } = await promisify(execFile)(
          'unshare',
          ['--net', '--', process.execPath, scene, backend, network],
          { timeout: patience(150_000) },
        );
        const { reached, proxied, adoption, during, left, stale }: Scene = JSON.parse(stdout);
        const names = Object.keys(reached);
        t.true(names.length > 25);
        t.deepEqual(
          names.filter((name) => reached[name] === true),
          names.filter((name) => REACHED[network].test(name)),
        );
        t.is(proxied, network === 'host', 'from the machine its port is reached by the proxy, if at all');
        t.is(adoption, 'adopted');
        t.regex(during, network === 'host' ? /tenement_loopback/ : /tenement_egress[\s\S]*tnmt-/);
        // Only as long as there is something to forward.
        t.is(during.trim().at(-1), network === 'egress' ? '1' : '0');
        t.is(left, '0\n', 'no rules, no devices, no forwarding');
        const [before, after] = stale;
        t.regex(before, /user_1900199999[\s\S]*tnmt-0acb0102/);
        t.notRegex(after, /user_1900199999|egress/, 'what an earlier server has left is taken away');
        t.regex(after, /user_0/, 'what somebody may need is not');
        t.log(`${names.length} tries`);
      },
    );
  }
}
