import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { checkFiles } from '../../../src/config/check-files.js';
import { refusal } from '../../../src/config/combinations.js';
import { EFFECTS, effectWarnings, idleKeys } from '../../../src/config/effects.js';
import type { ServiceConfig } from '../../../src/config/schema.js';
import { serviceSchema } from '../../../src/config/service.js';
import { configOf, problemsOf } from '../../helpers/config-file.js';
import { freshDir } from '../../helpers/fresh-dir.js';

const ISOLATIONS = ['process', 'namespace', 'sandbox', 'systemd', 'socket-activation', 'auto'] as const;
const NETWORKS = ['host', 'egress', 'none'] as const;
const LISTENS = ['port', 'unix', 'fd'] as const;
type Kind = Pick<ServiceConfig, 'isolation' | 'network' | 'listen'>;

const everyKind = (): Kind[] =>
  ISOLATIONS.flatMap((isolation) =>
    NETWORKS.flatMap((network) => LISTENS.map((listen) => ({ isolation, network, listen }))),
  );
const named = ({ isolation, network, listen }: Kind) => `${isolation}, ${network}, ${listen}`;

/** What stands in a file for each key that does not work everywhere, and where it does; none of them works anywhere but there. */
const CASES: Partial<Record<keyof ServiceConfig, [lines: string, works: (kind: Kind) => boolean]>> = {
  sandbox: ['sandbox = "nsjail"', ({ isolation }) => ['sandbox', 'auto'].includes(isolation)],
  allow_local: [
    'allow_local = ["127.0.0.1:5432"]',
    ({ isolation, network }) => isolation !== 'process' && network !== 'none',
  ],
  read_only_paths: ['read_only_paths = ["/"]', ({ isolation }) => isolation !== 'process'],
  read_write_paths: ['read_write_paths = ["/"]', ({ isolation }) => isolation !== 'process'],
  freeze_timeout: ['freeze_timeout = 60\nidle_timeout = 60', () => false],
  idle_action: ['idle_action = "freeze"', () => false],
  max_instances: ['max_instances = 5', () => false],
};

const parsed = (lines: string, kind: Kind): ServiceConfig =>
  serviceSchema.parse({
    command: 'x',
    ...kind,
    ...Object.fromEntries(
      lines.split('\n').map((line) => {
        const [key = '', value = ''] = line.split(' = ');
        return [key, JSON.parse(value)];
      }),
    ),
  });

test('each key, with each isolation, network and way to listen: has an effect, or is warned of with what to do', (t) => {
  for (const [name, effect] of Object.entries(EFFECTS)) {
    const key = name as keyof ServiceConfig;
    const one = CASES[key];
    t.is(effect === 'always', one === undefined, `${key} has a case here`);
    for (const kind of everyKind()) {
      if (one === undefined) {
        t.deepEqual(idleKeys(serviceSchema.parse({ command: 'x', ...kind })), [], `${key}: ${named(kind)}`);
        continue;
      }
      const [lines, works] = one;
      const found = idleKeys(parsed(lines, kind));
      t.deepEqual(
        found.map((idle) => idle.key),
        works(kind) ? [] : [key],
        `${key}: ${named(kind)}`,
      );
      for (const { message } of found) t.regex(message, /has no effect (?:without `|with [`"])/);
    }
  }
});

test('keys that work together are not warned of', (t) => {
  const lines = [
    'idle_action = "freeze"\nidle_timeout = 60\nfreeze_timeout = 60',
    'max_instances = 5\non_demand = "any"',
    'allow_local = []',
  ];
  const kind = { isolation: 'namespace', network: 'none', listen: 'port' } as const;
  for (const text of lines) t.deepEqual(idleKeys(parsed(text, kind)), [], text);
});

test('a warning names service and key', (t) => {
  const config = configOf(t, '[service.notes]\ncommand = "x"\nsandbox = "bubblewrap"');
  t.deepEqual(effectWarnings(config), [
    'service.notes.sandbox: names the tool behind `isolation = "sandbox"` and has no effect with "namespace": use that isolation, or leave it out',
  ]);
});

test('what no isolation can give is an error of the file, at the key that has to change', (t) => {
  let refused = 0;
  for (const kind of everyKind()) {
    const text = `[service.notes]\ncommand = "x"\nisolation = "${kind.isolation}"\nnetwork = "${kind.network}"\nlisten = "${kind.listen}"`;
    const expected = refusal(kind);
    if (expected === undefined) {
      t.notThrows(() => configOf(t, text), named(kind));
      continue;
    }
    refused += 1;
    const line = expected.key === 'network' ? 4 : 5;
    t.deepEqual(problemsOf(t, text), [`${line} service.notes.${expected.key}: ${expected.message}`]);
  }
  t.is(refused, 17);
});

test('freezing what connections start past the server, a port behind nsjail, and root in an isolation, are errors, too', (t) => {
  const service = '[service.notes]\ncommand = "x"\n';
  const [freeze = ''] = problemsOf(
    t,
    `${service}isolation = "socket-activation"\nidle_action = "freeze"\nidle_timeout = 5`,
  );
  t.regex(freeze, /^4 service\.notes\.idle_action: .*cannot freeze.*Use "stop"/);
  const jail = `${service}isolation = "sandbox"\nsandbox = "nsjail"\nnetwork = "none"`;
  t.regex(problemsOf(t, jail).join(), /service\.notes\.listen: .*nsjail.*use "unix" or "fd"/);
  t.notThrows(() => configOf(t, `${jail}\nlisten = "fd"`));
  for (const isolation of ISOLATIONS.filter((one) => one !== 'process')) {
    const [root = ''] = problemsOf(t, `${service}isolation = "${isolation}"\nuser = "root"`);
    t.regex(root, /^4 service\.notes\.user: .*cannot run as root: use "auto"/, isolation);
  }
  t.notThrows(() => configOf(t, `${service}isolation = "process"\nuser = "root"`));
});

test('a wrong isolation is one problem, not two', (t) => {
  const problems = problemsOf(
    t,
    '[service.notes]\ncommand = "x"\nisolation = "namespaces"\nnetwork = "none"',
  );
  t.is(problems.length, 1);
  t.regex(problems[0] ?? '', /service\.notes\.isolation/);
});

test('an env_file that the start would refuse, and paths that it would not find', (t) => {
  const dir = freshDir(t);
  const file = (name: string, mode: number, text = 'A=1\n') => {
    const path = join(dir, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };
  const found = (lines: string) => {
    const config = configOf(t, `[service.notes]\ncommand = "x"\n${lines}`);
    return checkFiles(config).map(({ path, message }) => `${path.slice(2).join('.')}: ${message}`);
  };
  t.deepEqual(found(`env_file = "${file('good', 0o600)}"`), []);
  t.regex(found(`env_file = "${file('open', 0o644)}"`).join(), /^env_file: .*have permissions.*chmod 600/);
  t.regex(found(`env_file = "${join(dir, 'gone')}"`).join(), /^env_file: .*there is no such file/);
  const [wrong = ''] = found(`env_file = "${file('wrong', 0o600, 'hunter2\n')}"`);
  t.regex(wrong, /^env_file: .*wrong:1: expected KEY=value/);
  t.notRegex(wrong, /hunter2/);
  t.regex(
    found(`read_only_paths = ["${dir}", "${dir}/no"]`).join(),
    /^read_only_paths\.1: .*\/no does not exist/,
  );
  t.deepEqual(found(`isolation = "process"\nread_only_paths = ["${dir}/no"]`), []);
});
