/** Whatever stands for a value in the file: the answer is in our words, once, and points at it. */
import test, { type ExecutionContext } from 'ava';
import { TenementError } from '../../../src/base/errors.js';
import { loadConfig, type ReportedProblem } from '../../../src/config/load.js';
import { fileSchema } from '../../../src/config/schema.js';
import { SERVICE_GROUPS } from '../../../src/config/service.js';
import { settingsSchema } from '../../../src/config/settings.js';
import { configError, configFile, problemsOf } from '../../helpers/config-file.js';

const KINDS = {
  number: ['5', '-5', '0', '1.5', '-1.5', '1e300', '-1e300', '9007199254740991', 'nan', 'inf', '-inf'],
  string: ['""', '"x"', '" "', '"-5"', '"-5s"', '"5s"', '"1e9"', '"a\\u0000b"', '"99999999999d"', '"/x"'],
  'true or false': ['true', 'false'],
  list: ['[]', '[5]', '[""]', '["x"]', '[[]]', '[{}]', '[nan]', '[-1, -2]', '[5, "x"]', '[1979-05-27]'],
  table: ['{}', '{ x = 1 }', '{ x = "a" }', '{ x = {} }', '{ x = [] }', '{ x = 1979-05-27 }'],
  date: ['1979-05-27', '07:32:00', '1979-05-27T07:32:00Z'],
};
const VALUES = Object.values(KINDS).flat();

/** Each key of the file, and a text in which it stands with a value. */
const { tls, proxy, ...plain } = settingsSchema.shape;
const inTable = (table: string, key: string, before = '') => ({
  key: `${table}.${key}`,
  text: (value: string) => `${before}\n[${table}]\n${key} = ${value}\n`,
});
const ofService = (key: string) => ({
  key: `service.a.${key}`,
  text: (value: string) => `[service.a]\n${key} = ${value}\n${key === 'command' ? '' : 'command = "sh"\n'}`,
});
const PLACES: { key: string; text: (value: string) => string }[] = [
  ...Object.keys(fileSchema.shape).map((key) => ({ key, text: (value: string) => `\n${key} = ${value}\n` })),
  ...Object.keys(plain).map((key) => inTable('settings', key)),
  ...Object.entries({ tls, proxy }).flatMap(([table, schema]) => [
    inTable('settings', table),
    ...Object.keys(schema.unwrap().shape).map((key) => inTable(`settings.${table}`, key)),
  ]),
  ...Object.values(SERVICE_GROUPS).flat().map(ofService),
  inTable('service', 'a'),
  inTable('service.a.env', 'X', 'service.a.command = "sh"'),
  ...['MemoryMax', 'Nice', 'CPUQuota', 'SystemCallFilter', 'RuntimeMaxSec'].map((key) =>
    inTable('service.a.systemd', key, 'service.a = { command = "sh", isolation = "systemd" }'),
  ),
  ...['default', 'tenants', 'subdomain', 'path'].map((key) => inTable('routing', key)),
  inTable('routing.subdomain', 'x'),
  inTable('routing.path', '"/x"'),
  inTable('instances', 'a'),
];

for (const { key, text } of PLACES) {
  test(`${key}: no value is answered in the words of a library, twice, or without a line`, (t) => {
    for (const value of VALUES) {
      const path = configFile(t, text(value));
      let problems: ReportedProblem[] = [];
      try {
        loadConfig({ path });
      } catch (error) {
        t.true(error instanceof TenementError, `${value}: ${error}`);
        if (!(error instanceof TenementError)) throw error;
        t.is(error.code, 'config_invalid');
        problems = error.details.problems as ReportedProblem[];
      }
      const said = problems.map((one) => `${one.line}:${one.column} ${one.key}: ${one.problem}`);
      const where = `${key} = ${value}: ${said.join('; ')}`;
      t.is(new Set(problems.map((one) => `${one.line} ${one.key}`)).size, said.length, where);
      for (const one of problems) {
        t.notRegex(
          one.problem,
          /invalid|received|too (?:big|small)|unrecognized|undefined|object|record|infinity/i,
          where,
        );
        t.notRegex(one.problem, /NaN/, where);
        t.true(one.line !== undefined && one.column !== undefined, where);
        // Whatever is inside a value of the wrong kind may be missing something.
        if (one.key === key) t.notRegex(one.problem, /is missing/, where);
      }
    }
  });
}

const said = (t: ExecutionContext, text: string) => problemsOf(t, text)[0]?.replace(/^\d+ \S+: /, '');

test('what is of the wrong type is told so, and what it must be', (t) => {
  const command = 'expected a string, in quotes';
  for (const [value, kind] of [
    ['5', 'a number'],
    ['1.5', 'a fraction'],
    ['true', 'true or false'],
    ['["python3", "app.py"]', 'a list'],
    ['{ a = 1 }', 'a table'],
    ['1979-05-27', 'a date or a time of day'],
  ])
    t.is(said(t, `[service.a]\ncommand = ${value}\n`), `${command}, not ${kind}`);
  t.is(said(t, '[service.a]\n'), 'is missing: every service needs a command');
  t.is(said(t, '[service.a]\ncommand = "x"\nbalance = "yes"\n'), 'expected true or false, not a string');
  t.is(said(t, 'settings = 5\n'), 'expected a table, not a number');
  t.is(said(t, 'settings = 1979-05-27\n'), 'expected a table, not a date or a time of day');
});

test('[service] without a name', (t) => {
  t.deepEqual(problemsOf(t, '[service]\ncommand = "x"\nhealth = "/"\n'), [
    ...['2 service.command', '3 service.health'].map(
      (where) =>
        `${where}: is a key of a service: it stands below [service.NAME], where NAME is yours to choose`,
    ),
  ]);
  t.is(
    said(t, '[service]\nnotes = "x"\n'),
    'expected a table [service.NAME] with keys of its own, not a string',
  );
});

test('what is negative or too large is told so', (t) => {
  const key = (line: string) => said(t, `[service.a]\ncommand = "x"\n${line}\n`);
  t.regex(key('idle_timeout = -5') ?? '', /^cannot be negative; expected a time: a number of seconds/);
  t.regex(key('idle_timeout = "-5m"') ?? '', /^cannot be negative/);
  t.regex(key('memory_limit_mb = -1') ?? '', /^cannot be negative; expected a size/);
  t.is(key('idle_timeout = 1e300'), 'is too large: at most 3650 days');
  t.is(
    key('health_timeout = "25d"'),
    'is too large: at most 24 days',
    'a timer that is longer fires at once',
  );
  t.is(key('storage_quota_mb = "9000T"'), 'is too large: at most 8191 T');
  t.is(key('max_instances = 1e300'), 'is too large');
  t.is(key('pids_limit = 5000000'), 'expected a whole number from 1 to 4000000');
  t.is(key('cpu_limit = 1e300'), 'expected at most 10000 cores');
});

test('problems are told in the order of the file, and those in a list with the places that they have there', (t) => {
  const text = `[instances]
a = ["x", 5, "y", "x",
  "y", 7, "B"]
b = ["x"]
[service.a]
command = "x"
`;
  t.deepEqual(
    problemsOf(t, text).map((problem) => problem.replace(/: .*/, '')),
    [
      '2 instances.a[1]',
      '2 instances.a[3]',
      '3 instances.a[4]',
      '3 instances.a[5]',
      '3 instances.a[6]',
      '4 instances.b',
    ],
  );
});

test('half of a range that is wrong keeps nothing else from being checked', (t) => {
  t.deepEqual(
    problemsOf(t, '[settings]\nport_range = [1, "x"]\n[routing]\ndefault = "nobody"\n').map(
      (one) => one.split(':')[0],
    ),
    ['2 settings.port_range[1]', '4 routing.default'],
  );
});

for (const [line, hint] of [
  ['a = hello', /Strings need quotes/],
  ['a = 90s', /Strings need quotes.*times/],
  ['a = 30 seconds', /Strings need quotes/],
  ['a =', /value is missing after/],
  ['a = [1, , 2]', /value is missing before the comma/],
  ['a = yes', /written true and false/],
  ['a = True', /written true and false/],
  ['a = \u201cx\u201d', /straight quotes/],
  ['a = "x', /closing quote is missing/],
  ['a = "x" // why', /comment, which begins with #/],
  ['a = "x" "y"', /may follow on the line/],
  ['a = [1, 2', /list ends with \]/],
  ['a: 1', /A line is `key = value`/],
  ['a', /A line is `key = value`/],
  ['[a', /closing bracket/],
  ['[service notes]', /closing bracket/],
  ['b = 1\nb = 2', /only once/],
  ['[b]\n[b]', /only once/],
  ['a = "C:\\Users"', /backslash/],
  ['a = 99999999999999999999', /too large/],
  ['a = 007', /begins with another digit than 0/],
] as const) {
  test(`a syntax error gets a hint of its own: ${JSON.stringify(line)}`, (t) => {
    const error = configError(t, `[settings]\n${line}\n`);
    t.regex(error.hint, hint);
    t.is(/Strings need quotes/.test(error.hint), /Strings need quotes/.test(hint.source));
    t.regex(error.message, /tenement\.toml:\d+:\d+: not valid TOML: /);
  });
}

test('a service that does not exist: which may be meant', (t) => {
  const error = configError(
    t,
    '[service.notes]\ncommand = "x"\n[routing]\ntenants = "nots"\ndefault = "customers"\n[routing.subdomain]\nx = "note"\n[instances]\nntes = ["a"]\n',
  );
  t.deepEqual(
    (error.details.problems as ReportedProblem[]).map(({ key, suggestion }) => [key, suggestion]),
    [
      ['routing.tenants', 'notes'],
      ['routing.default', undefined],
      ['routing.subdomain.x', 'notes'],
      ['instances.ntes', 'notes'],
    ],
  );
});
