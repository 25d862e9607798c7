/** docs/configuration.md, made from the schema. Pure. */
import { EXAMPLE } from './docs-example.js';
import { fileJsonSchema, type JsonSchema } from './json-schema.js';
import { SERVICE_GROUPS } from './service.js';
import { TEMPLATE_NAMES, type TemplateName } from './template.js';
import { UNIT_SETTINGS } from './unit-settings.js';
import { NAME_RULE } from './values.js';

const VARIABLES: Record<TemplateName, string> = {
  name: 'The name of the service.',
  id: 'The id of the instance: the customer.',
  data_dir: 'The absolute path of `settings.data_dir`.',
  port: 'The port that the instance listens on (with `listen = "port"`).',
  socket: 'The path of the socket that it listens on (with `listen = "unix"`).',
  version: 'The same as `{id}`, for services whose instances are versions.',
};

export function configurationPage(): string {
  const { settings, service, routing, instances } = fileJsonSchema().properties ?? {};
  const one = service?.additionalProperties;
  const keys = typeof one === 'object' ? (one.properties ?? {}) : {};
  const groups = Object.entries(SERVICE_GROUPS).flatMap(([title, names]) => [
    `### ${title}`,
    table(Object.fromEntries(names.map((name) => [name, keys[name] ?? {}]))),
  ]);
  return `${[
    '# Configuration',
    '<!-- Made by scripts/generate-docs.ts from the schema in src/config: edit there, then run `npm run docs`. -->',
    INTRODUCTION,
    '## Example',
    `\`\`\`toml\n${EXAMPLE}\`\`\``,
    '## `[settings]`',
    table(without(settings, ['tls', 'proxy'])),
    '### `[settings.tls]`',
    `${settings?.properties?.tls?.description} ${NOT_YET}: with \`enabled = true\` the server refuses to start.`,
    table(settings?.properties?.tls?.properties ?? {}),
    '### `[settings.proxy]`',
    `${settings?.properties?.proxy?.description}`,
    table(settings?.properties?.proxy?.properties ?? {}),
    '## `[service.NAME]`',
    `NAME is ${NAME_RULE}. Unset limits are unlimited.`,
    ...groups,
    '### `[service.NAME.systemd]`',
    UNIT,
    rows(
      ['setting', 'value'],
      Object.entries(UNIT_SETTINGS).map(([name, { kind }]) => [`\`${name}\``, kind.expected]),
    ),
    '### Template variables',
    VARIABLES_INTRODUCTION,
    rows(
      ['variable', 'value'],
      TEMPLATE_NAMES.map((name) => [`\`{${name}}\``, VARIABLES[name]]),
    ),
    '## `[instances]`',
    instances?.description ?? '',
    '## `[routing]`',
    table(routing?.properties ?? {}),
    ENVIRONMENT,
    DATA,
  ].join('\n\n')}\n`;
}

const NOT_YET = '**Not yet in this version**';

const INTRODUCTION = `tenement is configured by one file, \`tenement.toml\`. It is looked for in \`--config\`, \`TENEMENT_CONFIG\`, the working directory and the
directories above it, and \`/etc/tenement/tenement.toml\`. A file that belongs to somebody else than root or you, or that others can write, is refused.

The file is checked strictly: an unknown key or a wrong type is an error that names file, line, key and the nearest known key. \`ten check\` shows all problems
at once, \`ten config\` the result with defaults. What no isolation can give (\`network = "none"\` with \`process\`) is an error; a key that has no effect as the file is
(\`sandbox\` without \`isolation = "sandbox"\`) is a warning, of \`ten check\` and at the start, as is a file without a service. \`ten check\` also warns of a
program in \`command\` that it does not find. \`docs/tenement.schema.json\` is the same as a JSON Schema, for editors.

- **Times** are numbers of seconds (of milliseconds where the key ends in \`_ms\`) or strings with a unit: \`"250ms"\`, \`"90s"\`, \`"5m"\`, \`"1h"\`, \`"2d"\`; at most 24 days, \`idle_timeout\`,
  \`freeze_timeout\` and \`restart_window\` at most ten years.
- **Sizes** are numbers of MB where the key ends in \`_mb\`, else of bytes; or strings with a unit: \`"64K"\`, \`"512M"\`, \`"2G"\`. Units are powers of 1024.
- **Paths** are relative to the file and reach the app as absolute ones. \`~\` is refused, because no shell is there to replace it.
- What is marked as not yet in this version is accepted by \`ten check\`, and refused with an explanation when the server is started with it.`;

const VARIABLES_INTRODUCTION = `They are filled in in \`command\`, \`args\` and the values of \`env\`. An unknown \`{name}\` is an error; other braces, such as those of JSON, are text, and so is
\`\${name}\` in a command, which belongs to a shell.`;

const UNIT = `With \`isolation = "systemd"\` or \`"socket-activation"\`: settings of the instances' units as systemd.resource-control(5) and systemd.exec(5) have them; they win over what tenement sets.
What would undo its promises, or what it does itself, is refused with the reason. \`SystemCallFilter\` can only take away. One that the machine's systemd does not know
makes the start fail.`;

const ENVIRONMENT = `## Environment of an instance

An instance never gets the server's own environment. It gets, later ones winning:

1. \`PATH\`, \`LANG\`, \`TZ\`, \`HOME\`, \`XDG_CACHE_HOME\`, \`TMPDIR\` (\`HOME\` is the instance's own directory when it is isolated or runs as another user than the server),
2. what \`pass_env\` names,
3. \`env_file\`,
4. the \`env\` table,
5. what \`ten env set\` has set for the instance,
6. \`PORT\` or \`SOCKET_PATH\`, \`TENEMENT_SERVICE\`, \`TENEMENT_INSTANCE\`, \`TENEMENT_URL\`. These, and other names that begin with \`TENEMENT_\`, can't be set otherwise.`;

const DATA = `## Data directories

Each instance owns \`{data_dir}/{service}/{id}\` and each directory that its \`env\` names under \`{data_dir}\`: the path up to the segment that is exactly \`{id}\`.
\`DB = "{data_dir}/{id}/app.db"\` names the directory \`{data_dir}/{id}\`. They are made before the start and belong to the instance's user. A value where \`{id}\` is only
part of a segment (\`{data_dir}/{id}.db\`) names no directory: it works with \`isolation = "process"\` and is refused otherwise.

Two instances whose directories overlap are refused: the id \`notes\` under \`{data_dir}/{id}\` would own the directory of the service \`notes\`, and two services
may use \`{data_dir}/{id}\` together only as the same user without isolation. \`{data_dir}/{name}/{id}\` is always safe. \`{data_dir}/.tenement\`, \`{data_dir}/.run\` and \`{data_dir}/api_token\` are
tenement's own.`;

function without(schema: JsonSchema | undefined, keys: readonly string[]): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(schema?.properties ?? {}).filter(([key]) => !keys.includes(key)));
}

function table(properties: Readonly<Record<string, JsonSchema>>): string {
  return rows(
    ['key', 'type', 'default', 'meaning'],
    Object.entries(properties).map(([key, schema]) => [
      `\`${key}\``,
      typeName(schema),
      defaultText(schema.default),
      schema.description ?? '',
    ]),
  );
}

function rows(head: readonly string[], body: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...body.map(row)].join('\n');
}

function typeName(schema: JsonSchema): string {
  if (schema.kind !== undefined) return schema.kind;
  if (schema.enum !== undefined) return schema.enum.map((option) => `\`"${option}"\``).join(', ');
  if (schema.type === 'array')
    return schema.items?.type === 'string' ? 'list of strings' : 'two whole numbers';
  if (schema.type === 'object') return 'table';
  if (schema.type === 'boolean') return 'true or false';
  return schema.type === 'integer' ? 'whole number' : String(schema.type ?? '');
}

function defaultText(value: unknown): string {
  const empty =
    value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  return empty ? '' : `\`${JSON.stringify(value)}\``;
}
