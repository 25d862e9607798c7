import { join } from 'node:path';
import test from 'ava';
import { loadConfig, type ReportedProblem } from '../../../src/config/load.js';
import { configError, configFile, configOf, problemsOf } from '../../helpers/config-file.js';
import { freshDir } from '../../helpers/fresh-dir.js';

test('an almost empty file gives the documented defaults', (t) => {
  const { settings, service, instances, routing } = configOf(t, '[service.notes]\ncommand = "x"\n');
  t.is(settings.health_check_interval, 10);
  t.is(settings.max_restarts, 3);
  t.is(settings.restart_window, 300);
  t.is(settings.backoff_base_ms, 1000);
  t.is(settings.backoff_max_ms, 60000);
  t.deepEqual(settings.port_range, [30000, 32767]);
  t.deepEqual(settings.uid_range, [1900000000, 1900065535]);
  t.deepEqual(settings.trusted_proxies, []);
  t.is(settings.listen, undefined);
  const notes = service.notes;
  t.like(notes, {
    health_timeout: 5,
    isolation: 'namespace',
    listen: 'port',
    user: '',
    idle_timeout: 0,
    idle_action: 'stop',
    startup_timeout: 30,
    request_timeout: 30,
    stop_timeout: 10,
    drain_timeout: 30,
    restart: 'on-failure',
    on_demand: 'known',
    max_instances: 1000,
    balance: false,
    storage_persist: true,
    network: 'host',
  });
  for (const key of [
    'health',
    'args',
    'storage_quota_mb',
    'max_body',
    'memory_limit_mb',
    'cpu_limit',
  ] as const) {
    t.is(notes?.[key], undefined, key);
  }
  t.deepEqual(Object.keys(instances), []);
  t.deepEqual(Object.keys(routing.subdomain), []);
  t.deepEqual(Object.keys(routing.path), []);
});

test('an empty file is a valid configuration without services', (t) => {
  t.deepEqual(Object.keys(configOf(t, '').service), []);
});

test('times and sizes are numbers or strings with a unit', (t) => {
  const { service, settings } = configOf(
    t,
    `[settings]
health_check_interval = "500ms"
backoff_base_ms = "2s"
backoff_max_ms = 30000
[service.a]
command = "x"
idle_timeout = "5m"
stop_timeout = 1.5
max_body = "50M"
storage_quota_mb = "1G"
memory_limit_mb = 256
`,
  );
  t.is(settings.health_check_interval, 0.5);
  t.is(settings.backoff_base_ms, 2000);
  t.is(settings.backoff_max_ms, 30000);
  t.like(service.a, {
    idle_timeout: 300,
    stop_timeout: 1.5,
    max_body: 50 * 2 ** 20,
    storage_quota_mb: 1024,
    memory_limit_mb: 256,
  });
});

for (const value of ['"5 minutes"', '"300"', '-1', 'true', 'nan', 'inf', '1979-05-27', '[]', '"1e3s"']) {
  test(`idle_timeout = ${value} is refused`, (t) => {
    const [problem] = problemsOf(t, `[service.a]\ncommand = "x"\nidle_timeout = ${value}\n`);
    t.regex(problem ?? '', /^3 service\.a\.idle_timeout: (?:cannot be negative; )?expected a time/);
  });
}

test('relative paths are relative to the file', (t) => {
  const dir = freshDir(t);
  const path = configFile(
    t,
    '[settings]\ndata_dir = "d"\n[service.a]\ncommand = "x"\nworkdir = ".."\nenv_file = "a.env"\nread_only_paths = ["ro"]\n',
    join(dir, 'sub'),
  );
  const config = loadConfig({ path });
  t.is(config.path, path);
  t.is(config.settings.data_dir, join(dir, 'sub/d'));
  t.is(config.service.a?.workdir, dir);
  t.is(config.service.a?.env_file, join(dir, 'sub/a.env'));
  t.deepEqual(config.service.a?.read_only_paths, [join(dir, 'sub/ro')]);
});

test('the data directory of the command line wins over the environment, and that over the file', (t) => {
  const path = configFile(t, '[settings]\ndata_dir = "/file"\n');
  const env = { TENEMENT_DATA_DIR: '/environment' };
  t.is(loadConfig({ path, dataDir: '/flag', env }).settings.data_dir, '/flag');
  t.is(loadConfig({ path, env }).settings.data_dir, '/environment');
  t.is(loadConfig({ path, env: { TENEMENT_DATA_DIR: '' } }).settings.data_dir, '/file');
});

test('every problem is reported at once, with file, line, key and the nearest known key', (t) => {
  const error = configError(
    t,
    `[settings]
helth_check_interval = 10

[service.notes]
command = "python3 app.py"
idle_timout = 300
balance = "yes"
env = { A = 1 }

[service.other]
args = ["x"]

[rooting]
`,
  );
  const problems = error.details.problems as ReportedProblem[];
  t.deepEqual(
    problems.map(({ line, key, suggestion }) => [line, key, suggestion]),
    [
      [2, 'settings.helth_check_interval', 'health_check_interval'],
      [6, 'service.notes.idle_timout', 'idle_timeout'],
      [7, 'service.notes.balance', undefined],
      [8, 'service.notes.env.A', undefined],
      [10, 'service.other.command', undefined],
      [13, 'rooting', 'routing'],
    ],
  );
  t.is(problems[0]?.column, 1);
  for (const line of error.message.split('\n')) t.regex(line, /tenement\.toml:\d+: [a-z]/);
  t.true(error.message.includes('(did you mean "idle_timeout"?)'));
});

test('keys in dotted and inline form have positions too', (t) => {
  t.deepEqual(
    problemsOf(
      t,
      'service.a.command = "x"\nservice.a.balance = 1\nservice.b = { command = "x", restart = "x" }\n',
    ).map((p) => p.split(': ')[0]),
    ['2 service.a.balance', '3 service.b.restart'],
  );
});

test('keys of other tools get an explanation', (t) => {
  const [image, kernel, mounts] = problemsOf(
    t,
    '[service.a]\ncommand = "x"\nimage = "nginx"\nkernel = "vmlinux"\nmounts = ["/a:/b"]\n',
  );
  t.regex(image ?? '', /service\.a\.image: is not a key of tenement: .*not container images/);
  t.regex(kernel ?? '', /virtual machines/);
  t.regex(mounts ?? '', /data_dir/);
});

test('a syntax error names line and column, and quotes nothing of the file', (t) => {
  const error = configError(t, '[service.a.env]\nTOKEN = "hunter2-secret" x\n');
  t.regex(error.message, /tenement\.toml:2:\d+: not valid TOML: /);
  t.notRegex(error.message, /hunter2/);
  t.is(error.cause, undefined);
});

test('values never appear in errors', (t) => {
  const secret = 'hunter2';
  const text = `[settings]
listen = ["${secret}"]
trusted_proxies = ["${secret}"]
admin_host = "${secret} ${secret}"
[service.a]
command = 3
user = "${secret} x"
restart = "${secret}"
idle_timeout = "${secret}"
health = "${secret}"
[service.a.env]
A = ["${secret}"]
"B ${'x'}" = "${secret}"
`;
  const error = configError(t, text);
  t.notRegex(JSON.stringify([error.message, error.details, error.hint]), /hunter2/);
  t.is((error.details.problems as unknown[]).length, 10);
});

test('a missing working directory is an error', (t) => {
  const [problem] = problemsOf(t, '[service.a]\ncommand = "x"\nworkdir = "nowhere"\n');
  t.regex(problem ?? '', /^3 service\.a\.workdir: the directory .*nowhere does not exist/);
});

test('"~" is refused wherever a path stands', (t) => {
  const text = `[settings]
data_dir = "~/data"
[service.a]
command = "x"
workdir = "~"
env_file = "~/a.env"
`;
  const problems = problemsOf(t, text);
  t.is(problems.length, 3);
  for (const problem of problems) t.regex(problem, /"~" is not replaced.*absolute path/);
});

for (const [line, expected] of [
  ['port_range = [40000, 30000]', 'port_range'],
  ['port_range = [1, 70000]', 'port_range[1]'],
  ['uid_range = [0, 100]', 'uid_range[0]'],
  ['listen = []', 'listen'],
  ['listen = ["localhost:8080"]', 'listen[0]'],
  ['listen = ["::1:8080"]', 'listen[0]'],
  ['listen = ["127.0.0.1:99999"]', 'listen[0]'],
  ['trusted_proxies = ["10.0.0.0/33"]', 'trusted_proxies[0]'],
  ['admin_host = "https://x"', 'admin_host'],
  ['backoff_max_ms = 10', 'backoff_max_ms'],
  ['data_dir = "/"', 'data_dir'],
  ['data_dir = "{name}"', 'data_dir'],
  ['data_dir = ""', 'data_dir'],
] as const) {
  test(`[settings] ${line} is refused`, (t) => {
    const [problem, ...more] = problemsOf(t, `[settings]\n${line}\n`);
    t.is(problem?.split(': ')[0], `2 settings.${expected}`);
    t.true(more.length <= 1);
  });
}

test('addresses of both families are accepted', (t) => {
  const text =
    '[settings]\nlisten = ["127.0.0.1:8080", "[::1]:8080", "0.0.0.0:80", "[::]:0"]\ntrusted_proxies = ["::1", "10.0.0.0/8"]\nadmin_host = "OPS.Example.com."\n';
  t.is(configOf(t, text).settings.admin_host, 'ops.example.com');
});

for (const name of ['Notes', '-a', 'a-', 'a.b', 'ä', 'a'.repeat(64), '']) {
  test(`a service can't be named "${name.slice(0, 20)}"`, (t) => {
    const [problem] = problemsOf(t, `[service."${name}"]\ncommand = "x"\n`);
    t.regex(problem ?? '', /this key is not possible: expected a name/);
  });
}

for (const name of ['a', '9', 'a_b-c', 'a'.repeat(63)]) {
  test(`a service can be named ${name.slice(0, 20)}`, (t) => {
    t.deepEqual(Object.keys(configOf(t, `[service.${name}]\ncommand = "x"\n`).service), [name]);
  });
}

test('names that every object has are no services', (t) => {
  const { service, instances, routing } = configOf(t, '[service.a]\ncommand = "x"\n');
  for (const name of ['constructor', 'valueof', 'tostring', '__proto__', 'hasOwnProperty']) {
    for (const table of [service, instances, routing.subdomain, routing.path])
      t.is(table[name], undefined, name);
  }
  const { service: named } = configOf(t, '[service.constructor]\ncommand = "x"\n');
  t.is(new Map(Object.entries(named)).get('constructor')?.command, 'x');
});

for (const [line, text] of [
  [3, '[service.__proto__]\ncommand = "x"\n'],
  [3, '[service."__proto__"]\n'],
  [4, '[service.b]\n"__proto__" = "x"\ncommand = "x"\n'],
  [4, '[service.a.env]\n__proto__ = "x"\n'],
  [3, '[service.a.env.__proto__]\n'],
  [4, '[instances]\n__proto__ = ["alice"]\n'],
  [4, '[routing.subdomain]\n__proto__ = "a"\n'],
  [4, '[routing.path]\n__proto__ = "a"\n'],
  [3, '[routing.__proto__]\n'],
  [3, '[__proto__]\nx = 1\n'],
  [4, '[service.b]\nenv = { __proto__ = { x = "y" } }\ncommand = "x"\n'],
] as const) {
  test(`__proto__ is an error: ${text.replaceAll('\n', ' ')}`, (t) => {
    const problems = problemsOf(t, `[service.a]\ncommand = "x"\n${text}`);
    const own = problems.filter((problem) => problem.includes('__proto__:'));
    t.is(own.length, 1, problems.join());
    t.regex(own[0] ?? '', new RegExp(`^${line} .*__proto__: this key is not possible`));
  });
}

for (const name of ['constructor', 'valueof', 'hasownproperty']) {
  test(`${name} is a name like any other, for services, instances, variables and routes`, (t) => {
    const config = configOf(
      t,
      `[service.${name}]\ncommand = "x"\n[service.${name}.env]\n${name} = "v"\n[instances]\n${name} = ["${name}"]\n` +
        `[routing.subdomain]\n${name} = "${name}"\n[routing.path]\n"/${name}" = "${name}"\n`,
    );
    t.is(Object.getOwnPropertyDescriptor(config.service, name)?.value.command, 'x');
    t.is(Object.getOwnPropertyDescriptor(config.service[name]?.env ?? {}, name)?.value, 'v');
    t.deepEqual(Object.getOwnPropertyDescriptor(config.instances, name)?.value, [name]);
    t.is(Object.getOwnPropertyDescriptor(config.routing.subdomain, name)?.value, name);
    t.is(Object.getOwnPropertyDescriptor(config.routing.path, `/${name}`)?.value, name);
  });
}

for (const name of ['toString', 'hasOwnProperty', '__defineGetter__']) {
  test(`${name} is no name of a service, and no unknown one is found by it`, (t) => {
    t.regex(problemsOf(t, `[service.${name}]\ncommand = "x"\n`).join(), /this key is not possible/);
    const unknown = `[service.a]\ncommand = "x"\n[instances]\n${name} = ["x"]\n[routing]\ndefault = "${name}"\n`;
    t.true(problemsOf(t, unknown).length >= 2);
  });
}

test('a route to a service that only every object has is none', (t) => {
  for (const name of ['constructor', 'valueof', '__proto__']) {
    for (const key of ['default', 'tenants']) {
      const text = `[service.a]\ncommand = "x"\n[routing]\n${key} = "${name}"\n`;
      t.is(problemsOf(t, text).length, 1, `${key} = ${name}`);
    }
    const paths = `[service.a]\ncommand = "x"\n[routing.subdomain]\nx = "${name}"\n[routing.path]\n"/x" = "${name}"\n`;
    t.is(problemsOf(t, paths).length, 2, name);
  }
});

test('problems of both kinds are reported together, and one problem does not make others', (t) => {
  const text = `[settings]
admin_host = 3
backoff_base_ms = "x"
backoff_max_ms = 10
[service.a]
command = "a | b"
idle_timeout = "x"
[service.b]
command = 3
listen = "x"
[service.b.env]
A = "{socket}"
[service.c]
isolation = 1
[service.c.env]
A = "{data_dir}/{id}.db"
[instances]
b = ["x"]
nope = ["x"]
[routing.path]
"/api" = "a"
`;
  t.deepEqual(
    problemsOf(t, text).map((problem) => problem.split(': ')[0]),
    [
      '2 settings.admin_host',
      '3 settings.backoff_base_ms',
      '6 service.a.command',
      '7 service.a.idle_timeout',
      '9 service.b.command',
      '10 service.b.listen',
      '13 service.c.command',
      '14 service.c.isolation',
      '19 instances.nope',
    ],
  );
});

test('a table that is no table, and a byte order mark', (t) => {
  t.deepEqual(
    problemsOf(t, 'service = 3\n').map((problem) => problem.split(': ')[0]),
    ['1 service'],
  );
  t.deepEqual(
    problemsOf(t, '[service]\na = 3\n[instances]\na = ["x"]\n').map((problem) => problem.split(': ')[0]),
    ['2 service.a'],
  );
  t.is(configOf(t, '\uFEFF[service.a]\ncommand = "x"\n').service.a?.command, 'x');
});
