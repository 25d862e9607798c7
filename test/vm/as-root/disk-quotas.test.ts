import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { patience } from '../../helpers/patience.js';
import { quick } from '../../helpers/quick.js';
import { fixture, nodeCommand, TestServer } from '../../helpers/server.js';
import { until } from '../../helpers/until.js';
import { stopUnits } from '../../systemd/units.js';

const ISOLATIONS = quick ? ['process', 'namespace'] : ['process', 'namespace', 'sandbox'];

const toml = (dataDir: string, quota: string) => `
[settings]
data_dir = "${dataDir}"
${ISOLATIONS.map((isolation) => service(isolation, quota)).join('')}`;

const service = (isolation: string, quota: string) => `
[service.${isolation}]
${nodeCommand('world.mjs')}
workdir = "work"
health = "/health"
isolation = "${isolation}"
user = "auto"
${isolation === 'process' ? '' : 'network = "none"'}
startup_timeout = 120
stop_timeout = 20
${quota}
read_only_paths = ["${dirname(fixture('world.mjs'))}"]
[service.${isolation}.env]
DATA_DIR = "{data_dir}/x-${isolation}/{id}"
`;

/** On the machine's disk with project quotas (test/vm/project-image.ts). */
function dataDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync('/data/quotas-');
  chmodSync(directory, 0o711);
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'data');
}

/** Its apps run as other users, who must get to their working directory. */
async function serve(t: ExecutionContext, config: string): Promise<TestServer> {
  const server = await TestServer.start(t, config);
  chmodSync(server.directory, 0o711);
  return server;
}

/** KiB that the kernel counts and allows, by project. */
function projects(): Map<number, { used: number; limit: number }> {
  // What is not written yet is reserved, but not shown.
  execFileSync('sync', ['-f', '/data']);
  const text = execFileSync('repquota', ['-P', '-n', '/data'], { encoding: 'utf8' });
  const rows = [...text.matchAll(/^#(\d+)\s+\S+\s+(\d+)\s+\d+\s+(\d+)/gm)];
  return new Map(
    rows.map(([, id, used, limit]) => [Number(id), { used: Number(used), limit: Number(limit) }]),
  );
}

test.serial(
  'disk quota: the kernel stops an app at its quota, at once and in all its directories, and its sibling goes on',
  async (t) => {
    const dataDir = dataDirectory(t);
    const server = await serve(t, toml(dataDir, 'storage_quota_mb = 8'));
    for (const isolation of ISOLATIONS) {
      const fill = async (id: string, directory: string, mb: number) => {
        const path = encodeURIComponent(join(dataDir, directory, id, `fill-${directory}`));
        const { status, text } = await server.get(
          `${id}.${isolation}.localhost`,
          `/fill?mb=${mb}&path=${path}`,
        );
        t.is(status, 200, `${text}; ${server.output}`);
        return JSON.parse(text);
      };
      for (const id of ['alice', 'bob']) {
        const { exitCode, stderr } = await server.ten('spawn', `${isolation}:${id}`);
        t.is(exitCode, 0, `${stderr}; ${server.output}`);
      }
      t.deepEqual(await fill('alice', isolation, 5), { mb: 5, error: null });
      const { mb, error } = await fill('alice', `x-${isolation}`, 30);
      t.true(mb < 4, `${mb} more`);
      t.is(error, 'EDQUOT');
      t.deepEqual(await fill('bob', isolation, 6), { mb: 6, error: null });
    }
    t.deepEqual(
      [...projects()].filter(([, { limit }]) => limit > 0).map(([, { limit }]) => limit),
      Array(2 * ISOLATIONS.length).fill(8 * 1024),
    );
    // What is full answers 507 to what would write, once that was measured.
    const posted = async () =>
      (await server.get('alice.process.localhost', '/health', { method: 'POST', body: 'x' })).status;
    await until('507', async () => (await posted()) === 507, patience(20_000));
    t.regex((await server.ten('logs', 'process:alice')).stdout, /disk quota of 8 MB is used/);
    const doctor = await server.ten('doctor', '--quick', '--json');
    t.regex(doctor.stdout, /held by the kernel \(ext4 at \/data\)/);
  },
);

test.serial(
  'disk quota: a reload changes the limit of what runs and takes it away; a removal leaves nothing for the next one',
  async (t) => {
    const dataDir = dataDirectory(t);
    const server = await serve(t, toml(dataDir, 'storage_quota_mb = 8'));
    const limits = () => [...projects().values()].map(({ limit }) => limit).filter((limit) => limit > 0);
    const ten = async (...args: string[]) => {
      const { exitCode, stderr, stdout } = await server.ten(...args);
      t.is(exitCode, 0, `${args.join(' ')}: ${stderr}; ${server.output}`);
      return stdout;
    };
    const fill = async (name: string, mb: number) => {
      const path = encodeURIComponent(join(dataDir, 'process', 'alice', name));
      const { text } = await server.get('alice.process.localhost', `/fill?mb=${mb}&path=${path}`);
      return JSON.parse(text);
    };
    await ten('spawn', 'process:alice');
    t.is((await fill('a', 30)).error, 'EDQUOT');
    const reload = async (quota: string) => {
      server.configure(toml(dataDir, quota));
      await ten('reload');
    };
    await reload('storage_quota_mb = 20');
    t.deepEqual(limits(), [20 * 1024]);
    t.deepEqual(await fill('b', 5), { mb: 5, error: null });
    await reload('');
    t.deepEqual(limits(), []);
    t.deepEqual(await fill('c', 25), { mb: 25, error: null });
    await reload('storage_quota_mb = 50');
    t.deepEqual(limits(), [50 * 1024]);

    await ten('rm', 'process:alice');
    t.deepEqual(limits(), []);
    t.is([...projects()].filter(([id, { used }]) => id > 0 && used > 0).length, 0, 'the trash is nobody’s');
    await ten('spawn', 'process:alice');
    t.deepEqual(await fill('a', 40), { mb: 40, error: null });
  },
);

test.serial(
  'disk quota: what was there before is counted with the next start, links and all; what is made anew is, too',
  async (t) => {
    const dataDir = dataDirectory(t);
    const server = await serve(t, toml(dataDir, ''));
    const directory = join(dataDir, 'process', 'alice');
    const ten = async (...args: string[]) =>
      t.is((await server.ten(...args)).exitCode, 0, `${args.join(' ')}; ${server.output}`);
    await ten('spawn', 'process:alice');
    execFileSync('mkdir', ['-p', join(directory, 'deep', 'er')]);
    execFileSync('dd', ['if=/dev/zero', `of=${directory}/deep/er/old`, 'bs=1M', 'count=3'], {
      stdio: 'ignore',
    });
    symlinkSync('/etc/passwd', join(directory, 'deep', 'link'));
    execFileSync('mkfifo', [join(directory, 'pipe')]);
    server.configure(toml(dataDir, 'storage_quota_mb = 8'));
    await ten('reload');
    t.is([...projects().values()].filter(({ limit }) => limit > 0).length, 0, 'not while it runs');
    await ten('restart', 'process:alice');
    const counted = () => [...projects().values()].find(({ limit }) => limit === 8 * 1024)?.used ?? 0;
    t.true(counted() >= 3 * 1024, `${counted()} KiB`);
    await server.stop();
    rmSync(directory, { recursive: true });
    await server.run();
    await ten('spawn', 'process:alice');
    const path = encodeURIComponent(join(directory, 'fill'));
    const { text } = await server.get('alice.process.localhost', `/fill?mb=30&path=${path}`);
    t.is(JSON.parse(text).error, 'EDQUOT');
  },
);

test.serial('disk quota: what a connection starts, before any server did, has its quota, too', async (t) => {
  const dataDir = dataDirectory(t);
  const name = `quota${process.pid}`;
  const listened = service('process', 'storage_quota_mb = 8')
    .replaceAll('process', name)
    .replace(`isolation = "${name}"`, 'isolation = "socket-activation"\nlisten = "fd"\nnetwork = "none"');
  const server = await serve(t, `[settings]\ndata_dir = "${dataDir}"\n${listened}`);
  t.teardown(async () => {
    await server.stop();
    await stopUnits(name);
  });
  const authorization = `Bearer ${readFileSync(join(dataDir, 'api_token'), 'utf8').trim()}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const api = `/api/instances/${name}:alice`;
  const { status } = await server.get('localhost', api, { method: 'PUT', headers, body: '{}' });
  t.is(status, 201, server.output);
  await server.kill();
  const path = encodeURIComponent(join(dataDir, name, 'alice', 'fill'));
  const { stdout } = await execa('curl', [
    ...[
      '--silent',
      '--show-error',
      '--max-time',
      '300',
      '--unix-socket',
      `/run/tenement/sockets/${name}:alice`,
    ],
    `http://localhost/fill?mb=30&path=${path}`,
  ]);
  t.is(JSON.parse(stdout).error, 'EDQUOT', stdout);
});
