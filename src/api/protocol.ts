/**
 * The messages of the HTTP API (docs/api.md): zod schemas that are at once the validation, the types and docs/openapi.json.
 * Requests are strict, so that a misspelt key is an error and not a silent nothing; answers may grow new fields, so clients
 * parse them loosely.
 */
import { z } from 'zod';
import { isName } from '../base/names.js';
import { parseDuration } from '../base/units.js';
import { isReserved } from '../config/variables.js';

// --- words ---

export const Name = z
  .string()
  .refine(isName, 'names are 1 to 63 characters of a-z, 0-9, "-" and "_" between letters or digits')
  .describe('Name of a service or an id');
const Weight = z.int().min(0).max(100).describe('0 to 100; 0 gets no requests');
const EnvName = z
  .string()
  .max(256)
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    'names of variables are letters, digits and "_", not beginning with a digit',
  );
/** Also refused in the config: accepted here it would be kept and never reach the app. */
const EnvNameToSet = EnvName.refine(
  (name) => !isReserved(name),
  'PORT, SOCKET_PATH, TENEMENT_*, LISTEN_FDS and the like are set by tenement itself for each instance',
);
const EnvValue = z
  .string()
  .max(128 * 1024)
  .refine((value) => !value.includes('\0'), 'a value cannot hold a NUL byte');
const Flag = z
  .enum(['1', 'true', '0', 'false', ''])
  .transform((text) => text === '1' || text === 'true' || text === '')
  .describe('1 or true');
const Seconds = z.number().nonnegative();
const Timestamp = z.string().describe('RFC 3339, UTC');

/** `service` and its older name `process`: one of them is needed. */
const serviceNames = {
  service: Name.optional(),
  process: Name.optional().describe('The same as service'),
};

/** The service a request names by either word. Only for bodies that passed their schema. */
export function serviceOf(body: { service?: string | undefined; process?: string | undefined }): string {
  return body.service ?? body.process ?? '';
}

function namesService(body: { service?: string | undefined; process?: string | undefined }): boolean {
  return (
    (body.service ?? body.process) !== undefined &&
    (body.service ?? body.process) === (body.process ?? body.service)
  );
}
const serviceNeeded = {
  message: 'is needed, as "service" or as "process"; if both are given they must agree',
  path: ['service'],
};

// --- errors ---

export const ErrorBody = z.object({
  error: z.object({
    code: z.string().describe('A code of docs/errors.md'),
    message: z.string().describe('What happened, and because of what'),
    hint: z.string().describe('What to try'),
  }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

// --- instances ---

export const Instance = z.object({
  id: z.string().describe('service:id, for example notes:alice'),
  service: z.string(),
  instance_id: z.string().describe('The part after the colon'),
  state: z.enum(['stopped', 'starting', 'ready', 'draining', 'stopping', 'frozen', 'backoff', 'failed']),
  want: z.enum(['up', 'on-demand', 'down', 'disabled']),
  health: z.enum(['healthy', 'degraded', 'unhealthy', 'failed', 'sleeping', 'starting']),
  address: z.string().nullable().describe('127.0.0.1:PORT or the path of a Unix socket'),
  socket: z.string().nullable().describe('The same as address, for older clients'),
  uptime_secs: Seconds.nullable(),
  idle_secs: Seconds.nullable(),
  restarts: z.int().describe('Within the restart window'),
  weight: z.int(),
  pid: z.int().nullable(),
  backend: z.string(),
  configured: z
    .boolean()
    .optional()
    .describe('Only when false: the config does not have its service any more, and nothing starts it'),
  memory_bytes: z.number().nullable(),
  cpu_secs: z.number().nullable(),
  storage_used_bytes: z.number().nullable(),
  storage_quota_bytes: z.number().nullable(),
  in_flight: z.int().describe('Open requests and upgrades'),
  last_problem: z.string().nullable().describe('Why it last left ready or failed to become it'),
});
export type Instance = z.infer<typeof Instance>;
export const InstanceList = z.array(Instance);

const Already = z
  .boolean()
  .optional()
  .describe('Only when there was nothing to do: it ran, or was stopped, already');
export const StopResponse = Instance.extend({ already: Already });
export type StopResponse = z.infer<typeof StopResponse>;

const MustExist = Flag.optional().describe(
  '404 for a service or an instance that does not exist, instead of nothing',
);

export const ListQuery = z.strictObject({
  all: Flag.optional().describe('Also those that sleep, are held or disabled'),
  ...serviceNames,
  must_exist: MustExist,
});

export const SpawnRequest = z
  .strictObject({
    ...serviceNames,
    id: Name,
    wait: z.boolean().optional().describe('Wait until ready (default true)'),
    adopt_data: z.boolean().optional().describe('Take over data that an earlier instance of that name left'),
  })
  .refine(namesService, serviceNeeded);
export type SpawnRequest = z.input<typeof SpawnRequest>;
export const SpawnResponse = z.object({
  instance: z.string(),
  socket: z.string().nullable(),
  port: z.int().nullable(),
  already: Already,
});
export type SpawnResponse = z.infer<typeof SpawnResponse>;

export const PutRequest = z.strictObject({
  env: z
    .record(EnvNameToSet, EnvValue)
    .optional()
    .describe("Replaces the instance's own environment as a whole"),
  weight: Weight.optional(),
  disabled: z.boolean().optional().describe('true stops it now and answers 503 until it is false again'),
});
export type PutRequest = z.input<typeof PutRequest>;

export const DeleteQuery = z.strictObject({
  forget: Flag.optional().describe(
    'Also forget the instance, as POST remove does, which answers what became of its data',
  ),
  purge: Flag.optional().describe('With forget: delete the data at once'),
  hold: Flag.optional().describe('Without forget: stay down until started by a person'),
});
export const StopRequest = z.strictObject({ hold: z.boolean().optional() });
export type StopRequest = z.input<typeof StopRequest>;

export const RemoveRequest = z.strictObject({
  purge: z.boolean().optional().describe('Delete the data at once; else it goes to the trash'),
});
export type RemoveRequest = z.input<typeof RemoveRequest>;
export const RemoveResponse = z.object({
  id: z.string(),
  trash: z.string().nullable().describe('The directory that the data was moved to; null when none was'),
  deleted: z.array(z.string()).describe('What was deleted: with purge, or storage_persist = false'),
  kept: z
    .array(z.object({ path: z.string(), shared_with: z.array(z.string()) }))
    .describe('What was left, because other instances have their data there, too'),
});
export type RemoveResponse = z.infer<typeof RemoveResponse>;

export const WeightRequest = z.strictObject({ weight: Weight });
export type WeightRequest = z.input<typeof WeightRequest>;
export const WeightResponse = z.object({ instance: z.string(), weight: z.int() });
export type WeightResponse = z.infer<typeof WeightResponse>;

export const HealthResponse = z.object({
  id: z.string(),
  instance: z.string().describe('The same as id'),
  health: Instance.shape.health,
  state: Instance.shape.state,
  last_problem: z.string().nullable(),
});
export type HealthResponse = z.infer<typeof HealthResponse>;

export const StorageResponse = z.object({
  used_bytes: z.number(),
  quota_bytes: z.number().nullable(),
  usage_percent: z.number().nullable().describe('null without a quota'),
});
export type StorageResponse = z.infer<typeof StorageResponse>;

export const InstanceEvent = z.object({
  timestamp: Timestamp,
  from: z.string(),
  to: z.string(),
  cause: z.string(),
});
export type InstanceEvent = z.infer<typeof InstanceEvent>;
export const EventList = z.array(InstanceEvent).describe('Newest first');
export const LimitQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(100) });

/** What stands for a value in answers. */
export const REDACTED = '***';
export const EnvResponse = z.object({
  id: z.string(),
  env: z.record(z.string(), z.string()).describe(`Values are shown as ${REDACTED}`),
});
export type EnvResponse = z.infer<typeof EnvResponse>;
export const EnvSetRequest = z.strictObject({ value: EnvValue });
export type EnvSetRequest = z.input<typeof EnvSetRequest>;
/** For unsetting: a name that an earlier version accepted must be removable. */
export const EnvNameParam = EnvName;
export const EnvNameToSetParam = EnvNameToSet;

// --- services ---

export const DeployRequest = z
  .strictObject({
    ...serviceNames,
    version: Name.describe('The id of the new instance'),
    weight: Weight.default(100),
    timeout: z.number().positive().max(86_400).optional().describe('Seconds to become healthy'),
  })
  .refine(namesService, serviceNeeded);
export type DeployRequest = z.input<typeof DeployRequest>;
export const DeployResponse = z.object({
  instance: z.string(),
  socket: z.string().nullable(),
  weight: z.int(),
  status: z.string().describe('The health word, healthy'),
});
export type DeployResponse = z.infer<typeof DeployResponse>;

export const RouteRequest = z
  .strictObject({ ...serviceNames, from: Name, to: Name })
  .refine(namesService, serviceNeeded);
export type RouteRequest = z.input<typeof RouteRequest>;
export const RouteResponse = z.object({
  from_instance: z.string(),
  to_instance: z.string(),
  from_weight: z.int(),
  to_weight: z.int(),
});
export type RouteResponse = z.infer<typeof RouteResponse>;

/** One line of the restart of a whole service (NDJSON); the last line is `done` or `error`. */
export const RestartProgress = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), instance: z.string(), done: z.int(), total: z.int() }),
  z.object({ type: z.literal('done'), restarted: z.int() }),
  z.object({ type: z.literal('error'), error: ErrorBody.shape.error }),
]);
export type RestartProgress = z.infer<typeof RestartProgress>;

export const ReloadResponse = z.object({
  changed: z.array(z.string()).describe('Services whose awake instances were restarted'),
  added: z.array(z.string()).describe('Services'),
  removed: z.array(z.string()).describe('Services; their instances were stopped'),
  // Not of a server that is older than who asks it.
  keys: z
    .array(z.string())
    .optional()
    .describe(
      'Every key that differs, in force now: `service.notes.idle_timeout`; of services that are in both',
    ),
  listed: z.array(z.string()).optional().describe('Instances that [instances] lists now and did not before'),
  unlisted: z.array(z.string()).optional().describe('Instances that it lists no more; they stay as they are'),
});
export type ReloadResponse = z.infer<typeof ReloadResponse>;

// --- logs ---

const Level = z
  .enum(['stdout', 'stderr', 'tenement'])
  .describe('tenement: lines of the server about the instance');
export const LogEntryMessage = z.object({
  timestamp: Timestamp,
  level: Level,
  process: z.string().describe('The service'),
  instance_id: z.string(),
  message: z.string(),
});
export type LogEntryMessage = z.infer<typeof LogEntryMessage>;
export const LogList = z.array(LogEntryMessage).describe('Oldest first');

const Since = z
  .string()
  .refine(
    (text) => parseDuration(text) !== undefined || !Number.isNaN(Date.parse(text)),
    'is neither a time in RFC 3339 nor a duration such as 1h',
  )
  .describe('RFC 3339, or a duration such as 1h');
export const LogStreamQuery = z.strictObject({
  ...serviceNames,
  id: z.string().optional().describe('alice or notes:alice'),
  level: Level.optional(),
  stream: Level.optional().describe('The same as level'),
  search: z.string().max(1000).optional().describe('Substring, in any case'),
  since: Since.optional(),
  must_exist: MustExist,
  limit: z.coerce.number().int().min(0).max(10_000).optional().describe('The newest so many lines first'),
});
export const LogQuery = LogStreamQuery.extend({
  limit: z.coerce.number().int().min(1).max(10_000).default(100),
});
export type LogQuery = z.input<typeof LogQuery>;

// --- server ---

export const PublicHealth = z.object({ status: z.literal('ok') });
export const VersionResponse = z.object({
  version: z.string(),
  scope: z.enum(['admin', 'tenant', 'create']).describe('What the caller may do'),
  tenant: z.string().nullable(),
});
export type VersionResponse = z.infer<typeof VersionResponse>;

export const Telemetry = z.object({
  summary: z.object({
    total: z.int().describe('Registered instances'),
    awake: z.int(),
    sleeping: z.int(),
    healthy: z.int(),
    unhealthy: z.int().describe('Degraded, unhealthy or failed'),
    in_flight: z.int(),
    memory_bytes: z.number(),
    storage_used_bytes: z.number(),
  }),
  instances: InstanceList,
});
export type Telemetry = z.infer<typeof Telemetry>;

export const TlsStatus = z.object({ enabled: z.boolean(), domain: z.string().nullable() });
export type TlsStatus = z.infer<typeof TlsStatus>;
