import test from 'ava';
import { Command } from 'commander';
import { addGlobals, type Globals, globalsOf } from '../../../src/cli/globals.js';

function parse(...args: string[]): { globals: Globals; version: unknown } {
  let seen: { globals: Globals; version: unknown } | undefined;
  const program = new Command('ten').exitOverride().enablePositionalOptions().version('1.2.3');
  const group = program.command('env');
  const leaf = group.command('set').argument('[x]').option('--version <v>').option('--search <text>');
  leaf.action((_: unknown, options: { version?: string }, command: Command) => {
    seen = { globals: globalsOf(command), version: options.version };
  });
  addGlobals(program).parse(args, { from: 'user' });
  if (seen === undefined) throw new Error('the action did not run');
  return seen;
}

test('the global flags count wherever they stand', (t) => {
  const expected = { server: 'http://a', json: true, dataDir: '/d' };
  for (const args of [
    ['--server', 'http://a', '--json', '--data-dir', '/d', 'env', 'set'],
    ['env', '--server', 'http://a', 'set', '--json', '--data-dir=/d'],
    ['env', 'set', 'x', '--server', 'http://a', '--json', '--data-dir', '/d'],
  ]) {
    t.deepEqual(parse(...args).globals, expected, args.join(' '));
  }
});

test('given twice, the one nearer to the end counts', (t) => {
  t.is(parse('--server', 'http://a', 'env', 'set', '--server', 'http://b').globals.server, 'http://b');
});

test('colours are off only when that is said', (t) => {
  t.is(parse('env', 'set').globals.color, undefined);
  t.is(parse('--no-color', 'env', 'set').globals.color, false);
  t.is(parse('env', 'set', '--no-color').globals.color, false);
});

test("a command's own --version is not the program's", (t) => {
  t.is(parse('env', 'set', '--version', 'v2').version, 'v2');
});

test('the value of an option is never taken for a flag', (t) => {
  t.is(parse('env', 'set', '--search', '--json').globals.json, undefined);
});

test('an empty value is an error and not the default', (t) => {
  t.throws(() => parse('--data-dir', '', 'env', 'set'), { code: 'usage' });
});
