/** `[service.NAME]`: one app, and how its instances are run. */
import { z } from 'zod';
import {
  A_TABLE,
  bytes,
  choice,
  flag,
  integer,
  localAddress,
  longSeconds,
  megabytes,
  name,
  nonEmpty,
  path,
  seconds,
  someSeconds,
  text,
} from './values.js';

/** How many instances `on_demand = "any"` may register by default. */
export const DEFAULT_MAX_INSTANCES = 1000;

/** A little under PID_MAX_LIMIT of a 64-bit kernel: pids.max takes no more, and what starts an instance is counted, too. */
const MOST_PIDS = 4_000_000;
/** More than any machine has; the kernel takes no quota far above. */
const MOST_CORES = 10_000;

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const variableName = z
  .string({ error: 'expected the name of an environment variable, in quotes' })
  .regex(VARIABLE, { error: 'expected the name of an environment variable: letters, digits and "_"' });

const processKeys = {
  command: nonEmpty.meta({
    description:
      'The program and its arguments, split as a shell would (quotes, backslashes); no shell is involved. Template variables are filled in.',
  }),
  args: z
    .array(text, { error: 'expected a list of strings' })
    .optional()
    .meta({ description: 'Explicit arguments. When set, `command` is the program alone and is not split.' }),
  workdir: path
    .default('.')
    .meta({ description: 'Working directory. Default: the directory of the configuration file.' }),
  env: z
    .record(variableName, text, { error: 'expected a table of strings' })
    .default({})
    .meta({ description: 'Environment variables, as a table of strings. Template variables are filled in.' }),
  env_file: path.optional().meta({
    description: 'File with `KEY=value` lines for secrets; must not be readable by group or others.',
  }),
  pass_env: z
    .array(variableName, { error: 'expected a list of names' })
    .default([])
    .meta({ description: 'Names of variables that are taken from the server’s own environment.' }),
  user: z
    .string({ error: 'expected the name of a user, "auto" or ""' })
    .regex(/^(?:[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?)?$/, { error: 'expected the name of a user, "auto" or ""' })
    .default('')
    .meta({
      description:
        'The user that instances run as: a name, or `"auto"` for an own one per instance from `uid_range`. Default: with `process` the server’s own; with other backends, as root, `"auto"`.',
    }),
  listen: choice('port', 'unix', 'fd').default('port').meta({
    description:
      'How the app listens: on `$PORT`, on `$SOCKET_PATH`, or on an inherited socket (`LISTEN_FDS`, fd 3).',
  }),
  restart: choice('always', 'on-failure', 'never')
    .default('on-failure')
    .meta({ description: 'When an instance that ended by itself is started again.' }),
};

const lifecycleKeys = {
  health: z
    .string({ error: 'expected a path that begins with "/"' })
    .regex(/^\/[!"$-~]*$/, { error: 'expected a path that begins with "/" and has no spaces and no "#"' })
    .optional()
    .meta({
      description:
        'Path that answers 2xx when the app is well. Default: none; then ready means that the port accepts.',
    }),
  health_timeout: someSeconds
    .default(5)
    .meta({ description: 'Longest time for the answer to a health check.' }),
  idle_timeout: longSeconds
    .default(0)
    .meta({ description: 'Time without an open request after which an instance sleeps. 0: never.' }),
  idle_action: choice('stop', 'freeze')
    .default('stop')
    .meta({ description: 'What sleeping means: the process is ended, or frozen in memory.' }),
  freeze_timeout: longSeconds
    .default(0)
    .meta({ description: 'Time after which a frozen instance is stopped. 0: never.' }),
  startup_timeout: someSeconds
    .default(30)
    .meta({ description: 'Time to become ready, from the start of the process.' }),
  request_timeout: someSeconds.default(30).meta({
    description: 'Time to the head of the response, without the wake. Bodies and upgrades may last.',
  }),
  stop_timeout: seconds.default(10).meta({ description: 'Time between TERM and KILL.' }),
  drain_timeout: seconds
    .default(30)
    .meta({ description: 'Time that open requests have to end at a stop; upgrades are closed after it.' }),
  on_demand: choice('known', 'any').default('known').meta({
    description:
      'Which instances a request may wake: only registered ones, or any: then an unknown label registers itself.',
  }),
  max_instances: integer(1)
    .default(DEFAULT_MAX_INSTANCES)
    .meta({ description: 'How many instances `on_demand = "any"` may register.' }),
  balance: flag
    .default(false)
    .meta({ description: '`{service}.{domain}` spreads over the instances by weight.' }),
};

const limitKeys = {
  storage_persist: flag.default(true).meta({
    description: 'false: the instance’s directories are removed when it is stopped or removed (not at idle).',
  }),
  storage_quota_mb: megabytes.optional().meta({
    description: 'Disk space of an instance. Default: unlimited.',
  }),
  max_body: bytes.optional().meta({ description: 'Largest request body. Default: unlimited.' }),
  memory_limit_mb: megabytes
    .refine((value) => value >= 1, { error: 'expected at least 1 MB' })
    .optional()
    .meta({ description: 'Hard limit for the memory of all processes of an instance. Default: unlimited.' }),
  cpu_shares: integer(1, 10000).optional().meta({
    description:
      'Weight when processors are short, 1-10000; with cgroup v2 also for disks. Default: the kernel’s (100).',
  }),
  cpu_limit: z
    .number({ error: 'expected a number of cores, such as 1.5' })
    .gt(0, { error: 'expected more than 0 cores' })
    .max(MOST_CORES, { error: `expected at most ${MOST_CORES} cores` })
    .optional()
    .meta({ description: 'Most processor time, in cores. Default: unlimited.' }),
  pids_limit: integer(1, MOST_PIDS)
    .optional()
    .meta({ description: 'Most processes and threads of an instance. Default: unlimited.' }),
};

const UNIT_VALUE = 'expected a string, a number, true, false, or a list of strings';

const isolationKeys = {
  isolation: choice('process', 'namespace', 'sandbox', 'systemd', 'socket-activation', 'auto')
    .default('namespace')
    .meta({
      description:
        'How instances are kept apart. `process`: ordinary processes, for trusted code; `socket-activation`: as `systemd`, and systemd listens for an instance (on `/run/tenement/sockets/SERVICE:ID`, for root) and starts it with the first connection, also while tenement is down; `auto`: the strongest that works here.',
    }),
  sandbox: choice('bubblewrap', 'nsjail').optional().meta({
    description:
      'The tool behind `isolation = "sandbox"`. Default: bubblewrap; nsjail has to be asked for, as no test has ever run it.',
  }),
  network: choice('host', 'egress', 'none').default('host').meta({
    description: 'The host’s network; an own one that only reaches out; or none.',
  }),
  allow_local: z.array(localAddress, { error: 'expected a list of addresses' }).optional().meta({
    description:
      'With `network = "host"` and an isolation: what on loopback may be reached besides the resolver, as `"ip:port"`.',
  }),
  read_only_paths: z
    .array(path, { error: 'expected a list of paths' })
    .optional()
    .meta({ description: 'Further paths that an isolated instance sees, read-only.' }),
  read_write_paths: z
    .array(path, { error: 'expected a list of paths' })
    .optional()
    .meta({ description: 'Further paths that an isolated instance may write.' }),
  systemd: z
    .record(
      nonEmpty,
      z.union([z.string(), z.number(), z.boolean(), z.array(z.string())], { error: UNIT_VALUE }),
      { error: A_TABLE },
    )
    .optional()
    .meta({
      description: 'With `isolation = "systemd"`: further settings of the instances’ units. See below.',
    }),
};

/** The keys in the order of the reference page, by group. */
export const SERVICE_GROUPS = {
  'The process': Object.keys(processKeys),
  'Its life': Object.keys(lifecycleKeys),
  'Its limits': Object.keys(limitKeys),
  'Its isolation': Object.keys(isolationKeys),
};

export const serviceSchema = z.strictObject(
  {
    ...processKeys,
    ...lifecycleKeys,
    ...limitKeys,
    ...isolationKeys,
  },
  { error: 'expected a table [service.NAME] with keys of its own' },
);

export const servicesSchema = z.record(name, serviceSchema, { error: 'expected tables [service.NAME]' });
