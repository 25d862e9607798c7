/** An installation whose services run the same app, each by another way of isolation: what test/vm/as-root begins and after-reboot goes on with. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { patience } from '../helpers/patience.js';
import { until } from '../helpers/until.js';
import { APP, SERVER, ten } from '../systemd/installed.js';
import { property } from '../systemd/units.js';

/** Instances of each service: `--each` of run.ts. */
const EACH = Number(process.env.TENEMENT_EACH || 2);
/** Of the machine's memory, for each of them. */
const MEMORY_MB = 64;
/** Away from those of servers that other tests start at the same time. */
const UIDS = [1_990_000_000, 1_990_009_999];

/** Names of services, which tell their isolation. */
export const UNITS = ['systemd', 'sockets'] as const;
export const CHILDREN = ['process', 'namespace', 'sandbox'] as const;
export const SERVICES = [...CHILDREN, ...UNITS] as const;
export type ServiceName = (typeof SERVICES)[number];

const ids = Array.from({ length: EACH }, (_, i) => `i${i + 1}`);
/** As in `i1.process.localhost`. */
export const instances = SERVICES.flatMap((service) => ids.map((id) => `${id}.${service}`));
/** One of each service that is in for trouble, and one that must not notice. */
export const [hungry = '', sibling = ''] = ids;

export function prepareEveryBackend(): void {
  mkdirSync(APP, { mode: 0o755 });
  cpSync('test/fixtures/apps/lean.pl', join(APP, 'app.pl'));
  writeFileSync(join(APP, 'tenement.toml'), toml());
}

function toml(): string {
  const list = ids.map((id) => `"${id}"`).join(', ');
  const wanted = SERVICES.map((service) => `${service} = [${list}]\n`).join('');
  return `[settings]\nuid_range = [${UIDS.join(', ')}]\n[instances]\n${wanted}${SERVICES.map(service).join('')}`;
}

/** Not the machine's network: to keep an instance from its siblings in there takes rules that not every kernel can make (hardware.ts). */
const NETWORK: Readonly<Record<ServiceName, string>> = {
  process: '',
  namespace: 'network = "none"\nlisten = "unix"',
  sandbox: 'network = "none"',
  systemd: 'network = "none"\nlisten = "unix"',
  sockets: 'network = "none"',
};

const service = (name: ServiceName): string => `
[service.${name}]
command = "perl app.pl"
isolation = "${name === 'sockets' ? 'socket-activation' : name}"
user = "auto"
${NETWORK[name]}
health = "/health"
startup_timeout = 300
request_timeout = 300
stop_timeout = 20
memory_limit_mb = ${MEMORY_MB}
pids_limit = 60
[service.${name}.env]
DATA_DIR = "{data_dir}/${name}/{id}"
`;

/** The unit of an instance of `UNITS`. */
export const unitOf = (service: ServiceName, id: string): string => `tenement-${service}-${id}.service`;

/** Where the kernel counts what the instances that run take, by instance. One `ten` takes seconds. */
export async function groups(): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await ten('ps', '--all', '--json');
  const rows: { id: string; pid: number | null }[] = JSON.parse(stdout);
  return new Map(
    rows.flatMap(({ id, pid }) => {
      if (pid === null) return [];
      const [service, name] = id.split(':');
      const text = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim();
      return [[`${name}.${service}`, text.slice('0::'.length)]];
    }),
  );
}

export const limitOf = (group: string): string =>
  readFileSync(`/sys/fs/cgroup${group}/memory.max`, 'utf8').trim();
export const MEMORY_MAX = String(MEMORY_MB << 20);

/** Waits, without a request to any, until so many instances run. The server tells systemd. */
export async function awake(count: number): Promise<void> {
  let said = '';
  await until(
    () => `${count} instances run: ${said}`,
    async () => {
      said = await property(SERVER, 'StatusText');
      return said.startsWith(`${count} of ${instances.length} `);
    },
    patience(120_000 + instances.length * 2000),
  );
}
