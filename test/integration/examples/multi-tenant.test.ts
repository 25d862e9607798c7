import test from 'ava';
import { execa } from 'execa';
import { cleanEnv, copyExample, serveExample, TEN } from '../../helpers/example-server.js';
import { freePort } from '../../helpers/free-port.js';
import { haveTools } from '../../helpers/require-tool.js';
import { until } from '../../helpers/until.js';

const TENANTS = ['alice', 'bob', 'carol', 'dave', 'erin'];

test('multi-tenant: five customers sleep when idle and wake with their data', async (t) => {
  if (!haveTools(t, 'python3')) return;
  const server = await serveExample(t, await copyExample(t, 'multi-tenant'));
  const visit = async (
    who: string,
  ): Promise<{ tenant: string; pid: number; starts: number; visits: number }> => {
    const reply = await server.request(`${who}.localhost`, '/');
    t.is(reply.status, 200, `${who}: ${reply.text}`);
    return JSON.parse(reply.text);
  };

  const first = await Promise.all(TENANTS.map(visit));
  t.deepEqual(
    first.map(({ tenant }) => tenant),
    TENANTS,
  );
  t.is(new Set(first.map(({ pid }) => pid)).size, TENANTS.length);

  await until(
    'all five are asleep',
    async () => JSON.parse((await server.ten('--json', 'ps')).stdout).length === 0,
  );
  const all = JSON.parse((await server.ten('ps', '-a', '--json')).stdout);
  t.deepEqual(
    all.map(({ id, health }: { id: string; health: string }) => [id, health]),
    TENANTS.map((tenant) => [`app:${tenant}`, 'sleeping']),
  );

  const carol = await visit('carol');
  const before = first[2];
  t.truthy(before);
  if (before === undefined) return;
  t.is(carol.visits, before.visits + 1);
  t.is(carol.starts, before.starts + 1);
  t.not(carol.pid, before.pid);
});

test('multi-tenant: the demo script runs from start to end', async (t) => {
  if (!haveTools(t, 'python3', 'bash', 'curl')) return;
  const directory = await copyExample(t, 'multi-tenant');
  const { stdout } = await execa('bash', ['demo.sh'], {
    cwd: directory,
    env: { ...cleanEnv(), TEN: TEN.join(' '), PORT: String(await freePort()) },
    extendEnv: false,
    all: true,
  });
  const visits = [...stdout.matchAll(/"tenant": "carol", "pid": (\d+), "starts": (\d+), "visits": (\d+)/g)];
  const [first, second] = visits.map((numbers) => numbers.slice(1).map(Number));
  // How often it started before the first visit, the time that the machine took until then has decided.
  t.deepEqual(second?.slice(1), [(first?.[1] ?? 0) + 1, 2], stdout);
  t.not(second?.[0], first?.[0]);
  t.true(stdout.includes('without a token: 401'));
  t.true(stdout.includes('with api_token:  200'));
});
