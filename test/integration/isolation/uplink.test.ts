import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { patience } from '../../helpers/patience.js';
import { haveTools } from '../../helpers/require-tool.js';

const scene = join(dirname(fileURLToPath(import.meta.url)), 'uplink-scene.js');

for (const backend of ['namespace', 'sandbox']) {
  for (const tool of ['pasta', 'slirp4netns']) {
    test.serial(
      `${backend}, by ${tool}: network egress without root: what an instance reaches, and that all of it ends with it`,
      async (t) => {
        if (process.geteuid?.() !== 0) {
          t.log('skipped: needs root, to make a world');
          return t.pass();
        }
        const more = backend === 'sandbox' ? ['bwrap'] : [];
        if (!haveTools(t, 'unshare', 'setpriv', 'ip', 'nft', 'nsenter', 'perl', tool, ...more)) return;
        const { stdout } = await promisify(execFile)(
          'unshare',
          ['--net', '--mount', '--', process.execPath, scene, backend, tool],
          { timeout: patience(150_000) },
        );
        const { reached, during, adoption, main, refused, port } = JSON.parse(stdout);
        const names = Object.keys(reached);
        t.true(names.length > 30);
        t.deepEqual(
          names.filter((name) => reached[name] === true),
          names.filter((name) => /^(world|resolver|allowed|own)/.test(name)),
        );
        t.is(during.length, 2, 'one for each instance');
        t.true(during.every((line: string) => line.includes(tool)));
        t.is(adoption, 'adopted');
        t.true(main);
        t.like(port, { answer: 'HTTP/1.1 200', main: true, left: false });
        const [inside, problem] = port.inside;
        t.regex(problem, /^(not joined\n)*ok\n$/);
        // Its own network, in which it listens; and no powers over it.
        t.regex(inside, /: 0100007F:1F90 .* 0A /);
        t.regex(inside, new RegExp(`^${backend === 'sandbox' ? port.self : 0}\\nCapEff:\\s+0+\\n`));
        t.notRegex(inside, /process 1: (?!TENEMENT_|$)/m);
        t.regex(refused, /pasta \(or slirp4netns\) was not found/);
        t.log(`${names.length} tries`);
      },
    );
  }
}
