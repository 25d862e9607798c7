import test from 'ava';
import { configOf, problemsOf } from '../../helpers/config-file.js';

const NOTES = '[service.notes]\ncommand = "x"\nisolation = "process"\n';
const SITE = '[service.site]\ncommand = "x"\nisolation = "process"\n';

/** The problems of a text, without their positions. */
const cases: [title: string, text: string, expected: RegExp][] = [
  [
    'instances of an unknown service',
    `${NOTES}[instances]\nnope = ["a"]`,
    /^5 instances\.nope: there is no service "nope"/,
  ],
  ['an id twice', `${NOTES}[instances]\nnotes = ["a", "a"]`, /^5 instances\.notes\[1\]: "a" is listed twice/],
  [
    'a default that is not there',
    `${NOTES}[routing]\ndefault = "x"`,
    /^5 routing\.default: there is no service/,
  ],
  [
    'tenants that are not there',
    `${NOTES}[routing]\ntenants = "x"`,
    /^5 routing\.tenants: there is no service/,
  ],
  [
    'a subdomain that leads nowhere',
    `${NOTES}[routing.subdomain]\na = "x"`,
    /^5 routing\.subdomain\.a: there is no service/,
  ],
  [
    'a subdomain that a service has',
    `${NOTES}${SITE}[routing.subdomain]\nnotes = "site"`,
    /would never match/,
  ],
  [
    'a path that leads nowhere',
    `${NOTES}[routing.path]\n"/a" = "x"`,
    /^5 routing\.path\."\/a": there is no service/,
  ],
  ['a path twice', `${NOTES}[routing.path]\n"/a" = "notes"\n"/a/" = "notes"`, /^6 .*listed twice/],
  ['a path of ours', `${NOTES}[routing.path]\n"/api" = "notes"`, /\/api is tenement's own.*admin_host/],
  ['a path below ours', `${NOTES}[routing.path]\n"/health/x" = "notes"`, /\/health is tenement's own/],
  ['a path with a query', `${NOTES}[routing.path]\n"/a?b" = "notes"`, /this key is not possible/],
  ['a path with dots', `${NOTES}[routing.path]\n"/a/../b" = "notes"`, /this key is not possible/],
  [
    'a pipe in the command',
    '[service.a]\ncommand = "a | b"',
    /^2 service\.a\.command: "\|" has no meaning here; no shell/,
  ],
  [
    'an unknown template variable',
    `${NOTES}[service.notes.env]\nA = "{tenant}"`,
    /^5 service\.notes\.env\.A: \{tenant\} is not a template variable/,
  ],
  ['one in the command', '[service.a]\ncommand = "x {Port}"', /^2 service\.a\.command: \{Port\} is not/],
  [
    'one in the arguments',
    '[service.a]\ncommand = "x"\nargs = ["a", "{nope}"]',
    /^3 service\.a\.args\[1\]: \{nope\}/,
  ],
  [
    'a socket without one',
    `${NOTES}[service.notes.env]\nA = "{socket}"`,
    /\{socket\} has no value with `listen = "port"`/,
  ],
  ['a variable of a shell', `${NOTES}[service.notes.env]\nA = "\${HOME}/x"`, /\$\{HOME\} is not replaced/],
  ['a home directory in a variable', `${NOTES}[service.notes.env]\nA = "~/x"`, /"~" is not replaced/],
  ['a variable of ours', `${NOTES}[service.notes.env]\nTENEMENT_URL = "x"`, /is set by tenement itself/],
  ['the port', `${NOTES}[service.notes.env]\nPORT = "80"`, /is set by tenement itself/],
  [
    'our token passed on',
    `${NOTES}pass_env = ["A", "TENEMENT_TOKEN"]`,
    /^4 service\.notes\.pass_env\[1\]: TENEMENT_TOKEN can't/,
  ],
  [
    'a way out of the data',
    `${NOTES}[service.notes.env]\nA = "{data_dir}/../{id}"`,
    /must not contain "\.\."/,
  ],
  [
    'our own state',
    `${NOTES}[service.notes.env]\nA = "{data_dir}/.tenement/{id}"`,
    /\.tenement is tenement's own/,
  ],
  [
    'our token file',
    `${NOTES}[service.notes.env]\nA = "{data_dir}/api_token"`,
    /api_token is tenement's own/,
  ],
  [
    'a directory by port',
    `${NOTES}[service.notes.env]\nA = "{data_dir}/{port}/{id}"`,
    /another one after each start/,
  ],
  [
    'a part of a segment under isolation',
    '[service.a]\ncommand = "x"\n[service.a.env]\nA = "{data_dir}/{id}.db"',
    /must be a whole segment/,
  ],
  [
    'a file that its own user could not create',
    `${NOTES}user = "auto"\n[service.notes.env]\nA = "{data_dir}/{id}.db"`,
    /own user may create no file there/,
  ],
  [
    'a directory that one service keeps and the other does not',
    `${NOTES}[service.notes.env]\nA = "{data_dir}/{id}"\n[service.e]\ncommand = "x"\nisolation = "process"\nstorage_persist = false\n[service.e.env]\nA = "{data_dir}/{id}/e"`,
    /service\.e\.env\.A: .*"notes", and one keeps its data while the other does not: give both the same storage_persist/,
  ],
  [
    'a service named api_token',
    '[service.api_token]\ncommand = "x"',
    /^1 service\.api_token: .*tenement's own/,
  ],
  [
    'an id that owns a service',
    `${NOTES}[service.notes.env]\nA = "{data_dir}/{id}"\n[instances]\nnotes = ["notes"]`,
    /^7 instances\.notes\[0\]: .*all instances of the service "notes"/,
  ],
  [
    'an id that is our file',
    `${NOTES}[service.notes.env]\nA = "{data_dir}/{id}"\n[instances]\nnotes = ["api_token"]`,
    /tenement's own/,
  ],
];

for (const [title, text, expected] of cases) {
  test(`refused: ${title}`, (t) => {
    const problems = problemsOf(t, `${text}\n`);
    t.is(problems.length, 1, problems.join('\n'));
    t.regex(problems[0] ?? '', expected);
  });
}

test('two services may share {data_dir}/{id} only as the same user without isolation', (t) => {
  const service = (name: string, more: string) =>
    `[service.${name}]\ncommand = "x"\n${more}\n[service.${name}.env]\nA = "{data_dir}/{id}/a"\n`;
  t.notThrows(() =>
    configOf(t, service('a', 'isolation = "process"') + service('b', 'isolation = "process"')),
  );
  for (const more of [
    'isolation = "namespace"',
    'isolation = "process"\nuser = "auto"',
    'isolation = "process"\nuser = "www-data"',
  ]) {
    const problems = problemsOf(t, service('a', 'isolation = "process"') + service('b', more));
    t.is(problems.length, 1);
    t.regex(problems[0] ?? '', /service\.b\.env\.A: \{data_dir\}\/\{id\} is also owned by .* "a"/);
  }
});

test('accepted: what only looks wrong', (t) => {
  const config = configOf(
    t,
    `[settings]
admin_host = "ops.example.com"
[service.notes]
command = "sh -c 'exec ./app --port \${PORT}'"
isolation = "process"
[service.notes.env]
PORT = "{port}"
JSON = '{"a": 1, "b": {"c": 2}}'
DB = "{data_dir}/{id}.db"
GLOB = "*.py | $x"
[instances]
notes = ["alice"]
[routing.path]
"/api" = "notes"
"/" = "notes"
`,
  );
  t.is(config.service.notes?.env.JSON, '{"a": 1, "b": {"c": 2}}');
});
