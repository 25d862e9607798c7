/** The examples say `isolation = "process"` so that they run everywhere; with an isolation they must work just the same. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { copyExample, serveExample } from '../../helpers/example-server.js';
import { haveTools } from '../../helpers/require-tool.js';

interface Variant {
  readonly title: string;
  readonly example: string;
  /** `service:id` of an instance that the example lists. */
  readonly instance: string;
  readonly tools: readonly string[];
  /** Another command than the example's. */
  readonly command?: string;
  /** What has to be done in the copy first. */
  readonly prepare?: (directory: string) => Promise<unknown>;
}

const VARIANTS: readonly Variant[] = [
  { title: 'python3 app.py', example: 'notes', instance: 'notes:alice', tools: ['python3'] },
  { title: 'node app.mjs', example: 'node-http', instance: 'counter:alice', tools: ['node'] },
  {
    title: 'npm start',
    example: 'node-http',
    instance: 'counter:alice',
    tools: ['npm'],
    command: 'npm start',
    prepare: async (directory) => {
      const manifest = { name: 'counter', private: true, scripts: { start: 'node app.mjs' } };
      writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
    },
  },
  {
    title: 'a built binary',
    example: 'go-http',
    instance: 'guestbook:alice',
    tools: ['go'],
    prepare: (directory) => execa('go', ['build', '-o', 'guestbook', '.'], { cwd: directory }),
  },
  {
    title: 'go run .',
    example: 'go-http',
    instance: 'guestbook:alice',
    tools: ['go'],
    command: 'go run .',
  },
  {
    title: 'uv run python app.py',
    example: 'notes',
    instance: 'notes:alice',
    tools: ['uv'],
    command: 'uv run --offline python app.py',
  },
];

for (const isolation of ['namespace', 'sandbox'] as const) {
  for (const { title, example, instance, tools, command, prepare } of VARIANTS) {
    test.serial(`${isolation}: ${title}`, async (t) => {
      if (!haveTools(t, ...tools, ...(isolation === 'sandbox' ? ['bwrap'] : []))) return;
      const directory = await copyExample(t, example);
      await prepare?.(directory);
      const file = join(directory, 'tenement.toml');
      const text = readFileSync(file, 'utf8')
        .replace('isolation = "process"', `isolation = "${isolation}"\nstartup_timeout = 120`)
        .replace(/^command = .*/m, (line) => (command === undefined ? line : `command = "${command}"`))
        // One is enough, and a compiler at once, too.
        .replace(/^\[instances\]\n.*\n/m, '');
      writeFileSync(file, text);
      const server = await serveExample(t, directory);
      const spawned = await server.ten('spawn', instance);
      t.is(spawned.exitCode, 0, spawned.stderr + (await server.ten('logs', instance)).stdout);
      const [service, id] = instance.split(':');
      t.is((await server.request(`${id}.${service}.localhost`, '/health')).status, 200);
      t.is((await server.ten('stop', instance)).exitCode, 0);
    });
  }
}
