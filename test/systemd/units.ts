import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { rulesLeftOver } from '../../isolation/network/left-over.js';
import { keysIn } from '../../isolation/network/reaper.js';
import { LOOPBACK } from '../../isolation/network/script.js';
import { fixture, nodeCommand, TestServer } from '../helpers/server.js';

let count = 0;

/** Names of units are the machine's: servers that run at the same time need services of other names. */
export function newService(): string {
  count += 1;
  return `app${process.pid}x${count}`;
}

type Range = readonly [first: number, last: number];
/** By service: those that its servers have for their instances. */
const ranges = new Map<string, Range[]>();

/** Users are the machine's, too. */
function ownUsers(service: string): string {
  const first = 1_950_000_000 + (process.pid % 40_000) * 1000 + count * 100;
  const range = [first, first + 99] as const;
  ranges.set(service, [...(ranges.get(service) ?? []), range]);
  return `[settings]\nuid_range = [${range.join(', ')}]\n`;
}

/** Of a server whose service has instances that are units, with an app of test/fixtures/apps; `lines` are added to the table. */
export function unitService(
  name: string,
  { app, command = nodeCommand(app), lines }: { app: string; command?: string; lines: string },
): string {
  return `
${ownUsers(name)}
[service.${name}]
${command}
workdir = "work"
read_only_paths = ["${dirname(fixture(app))}"]
${lines}
[service.${name}.env]
DATA_DIR = "{data_dir}/${name}/{id}"
`;
}

/** A server whose units end with the test. */
export async function started(t: ExecutionContext, service: string, toml: string): Promise<TestServer> {
  const server = await TestServer.start(t, toml);
  // Before the server's own, as they would run on without it.
  t.teardown(async () => {
    await server.stop();
    await stopUnits(service);
  });
  return server;
}

/** What a command that is to succeed has said. */
export async function ten(t: ExecutionContext, server: TestServer, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await server.ten(...args);
  t.is(exitCode, 0, `${args.join(' ')}: ${stderr}; ${server.output}`);
  return stdout;
}

/** What runs on without its server ends, and with it what that server would have taken away then: users and rules of the firewall. */
export async function stopUnits(service: string): Promise<void> {
  for (const unit of await units(service)) await execa('systemctl', ['stop', unit], { reject: false });
  const isIts = (uid: number) =>
    ranges.get(service)?.some(([first, last]) => uid >= first && uid <= last) === true;
  const listed = await execa('/usr/sbin/nft', ['--json', 'list', 'map', ...MAP], { reject: false });
  const uids = keysIn(listed.failed ? '' : listed.stdout).map(Number);
  for (const script of rulesLeftOver(uids.filter(isIts)))
    await execa('/usr/sbin/nft', ['--file', '-'], { input: script, reject: false });
  const records = await readdir(RECORDS).catch(() => []);
  for (const name of records.filter((one) => isIts(Number(/\d+/.exec(one)?.[0]))))
    await rm(join(RECORDS, name), { force: true });
}

const MAP = ['inet', LOOPBACK.name, 'users'];
const RECORDS = '/run/userdb';

/** A property of a unit as `systemctl show` writes it. */
export async function property(unit: string, name: string): Promise<string> {
  return (await execa('systemctl', ['show', '--value', `--property=${name}`, unit])).stdout;
}

/** 0: none runs. */
export async function mainPid(unit: string): Promise<number> {
  return Number(await property(unit, 'MainPID'));
}

/** All units of a service's instances that systemd knows. */
export async function units(service: string): Promise<string[]> {
  const list = ['list-units', '--all', '--plain', '--no-legend', `tenement-${service}-*`];
  const { stdout } = await execa('systemctl', list);
  const names = stdout.split('\n').flatMap((line) => line.split(' ')[0] || []);
  // Sockets first: so can they be stopped in this order.
  return names.sort((a, b) => Number(b.endsWith('.socket')) - Number(a.endsWith('.socket')));
}

/** What differs by being read anew. */
const OF_THE_MOMENT =
  /^(Exec\w+|\w*Timestamp\w*|CPU\w+|Memory\w+|IO\w+|IP\w+|Tasks\w+|InvocationID|NRestarts|NAccepted|NConnections|After|Before|Requires|Wants|DropInPaths|NeedDaemonReload|EffectiveTasksMax)=/;

/** What a package's installation has systemd do: it reads all units anew, and this one has to be the same one. */
export async function reloaded(t: ExecutionContext, unit: string): Promise<void> {
  const show = async () => {
    const { stdout } = await execa('systemctl', ['show', unit]);
    return stdout.split('\n').filter((line) => /^\w+=/.test(line) && !OF_THE_MOMENT.test(line));
  };
  const command = async () => (await property(unit, 'ExecStart')).replace(/ ; start_time=.*/s, '');
  const [before, argv] = [await show(), await command()];
  await execa('systemctl', ['daemon-reload']);
  t.deepEqual(await show(), before);
  t.is(await command(), argv);
}
