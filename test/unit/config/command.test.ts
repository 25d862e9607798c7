import test from 'ava';
import fc from 'fast-check';
import { quote } from 'shell-quote';
import { commandWords, splitCommand } from '../../../src/config/command.js';

const good: [command: string, words: string[]][] = [
  ['python3 app.py', ['python3', 'app.py']],
  ['  a   b\tc  ', ['a', 'b', 'c']],
  [`a "b c" 'd e' f\\ g`, ['a', 'b c', 'd e', 'f g']],
  [`a ''  ""`, ['a', '', '']],
  [`sh -c 'echo $HOME | cat > x; ls *'`, ['sh', '-c', 'echo $HOME | cat > x; ls *']],
  ['./app --port={port} --id "{id}"', ['./app', '--port={port}', '--id', '{id}']],
  ['a \\$HOME "\\$HOME"', ['a', '$HOME', '$HOME']],
  [`a 'it'"'"'s'`, ['a', "it's"]],
  ['a b~ x=~', ['a', 'b~', 'x=~']],
  ['a --x=y#z http://h/#top', ['a', '--x=y#z', 'http://h/#top']],
  [`a '#' "#" \\# "x"#y`, ['a', '#', '#', '#', 'x#y']],
  ['a\n  b', ['a', 'b']],
  ['uv run python app.py', ['uv', 'run', 'python', 'app.py']],
];

for (const [command, words] of good) {
  test(`split: ${command}`, (t) => {
    t.deepEqual(splitCommand(command), { words } as never);
  });
}

const bad: [command: string, problem: RegExp][] = [
  ['a | b', /"\|" has no meaning/],
  ['a > b', /">" has no meaning/],
  ['a < b', /"<" has no meaning/],
  ['a && b', /"&&" has no meaning/],
  ['a &', /"&" has no meaning/],
  ['a; b', /";" has no meaning/],
  ['(a)', /has no meaning/],
  ['a *.py', /pattern/],
  ['a ?.py', /pattern/],
  ['a $HOME', /"\$HOME" would not be replaced/],
  ['a "$HOME"', /"\$HOME" would not be replaced/],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's variable is what is tested
  ['a ${PORT}', /"\$PORT" would not be replaced/],
  ['a $(b)', /would not be replaced|has no meaning/],
  ['a `b`', /backquote/],
  ['a "`b`"', /backquote/],
  ['a "b', /quote \("\) is not closed/],
  ["a 'b", /quote \('\) is not closed/],
  ['a b\\', /ends with a backslash/],
  ['a # b', /comment/],
  ['~/bin/app', /"~" is not replaced/],
  ['app ~/x', /"~" is not replaced/],
  ['app ~', /"~" is not replaced/],
  ['', /is empty/],
  ['   ', /is empty/],
  ["''", /is empty/],
  ['FOO=1 app', /variable assignment.*`env`/],
];

for (const [command, problem] of bad) {
  test(`refused: ${command || '(nothing)'}`, (t) => {
    const split = splitCommand(command);
    t.true('problem' in split, JSON.stringify(split));
    if ('problem' in split) t.regex(split.problem, problem);
  });
}

test('with args the command is the program alone', (t) => {
  t.deepEqual(commandWords({ command: '/opt/my app', args: ['a b', '$x', '*'] }), [
    '/opt/my app',
    'a b',
    '$x',
    '*',
  ]);
  t.deepEqual(commandWords({ command: 'a b', args: [] }), ['a b']);
  t.throws(() => commandWords({ command: 'a | b' }), { message: /no shell/ });
});

test('what a shell would take as words comes out as those words', (t) => {
  const word = fc.string({ unit: fc.constantFrom(...'ab{}"\'\\ $*?|&;<>()#~=/.`-'), maxLength: 8 });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      // Single quotes protect everything but themselves.
      const command = words.map((w) => `'${w.replaceAll("'", `'"'"'`)}'`).join(' ');
      const split = splitCommand(command);
      if ('problem' in split) t.regex(split.problem, /is empty|"~" is not replaced|variable assignment/);
      else t.deepEqual([...split.words], words);
    }),
  );
});

test('plain words survive quoting by the library', (t) => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z0-9./ _-]{1,12}$/), { minLength: 1 }), (words) => {
      fc.pre(words[0]?.trim() !== '');
      t.deepEqual(splitCommand(quote(words)), { words } as never);
    }),
  );
});

test('a substitution that is not closed is a problem, not an exception', (t) => {
  for (const command of ['${', 'app ${', 'app "${x"']) t.true('problem' in splitCommand(command), command);
});

test('never throws, and never gives an empty program', (t) => {
  fc.assert(
    fc.property(fc.string(), (command) => {
      const split = splitCommand(command);
      if ('words' in split) t.not(split.words[0].trim(), '');
    }),
  );
});
