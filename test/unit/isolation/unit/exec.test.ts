import { execFileSync } from 'node:child_process';
import test from 'ava';
import { execStart, plainScript } from '../../../../isolation/unit/exec.js';

const commandOf = (command: readonly [string, ...string[]]) => {
  const [, , [[file, argv, ignored] = []]] = execStart(command) as unknown as [
    string,
    string,
    [[string, string[], boolean]],
  ];
  return { file: file ?? '', argv: argv ?? [], ignored };
};

test('an ordinary command is given as it is', (t) => {
  const command = ['/usr/bin/node', 'a b.js', '%i', "it's", '"x"', '\\n', '`id`'] as const;
  t.deepEqual(commandOf(command), { file: command[0], argv: [...command], ignored: false });
});

test('what systemd would write wrongly into the file of a unit is not in there, and arrives', (t) => {
  const odd = [
    '$HOME',
    '$\x7bHOME}',
    '$$',
    ';',
    'a;b',
    "'$x'",
    '"$(id)"',
    '`;`',
    '\\$\\0044',
    '%b%s;',
    'two\nlines;\n',
  ];
  const { file, argv } = commandOf(['/usr/bin/printf', '%s\\0', ...odd]);
  t.notRegex(argv.join(' '), /[$;]/);
  t.deepEqual(execFileSync(file, argv.slice(1), { encoding: 'utf8' }).split('\0').slice(0, -1), odd);
});

test('a script does the same without the characters that do not stay what they are', (t) => {
  const script = 'for one in "$@"; do case "$one" in a*) echo "<$one>";; esac; done';
  const plain = plainScript(script);
  t.notRegex(plain, /[$;]/);
  t.is(execFileSync('/bin/sh', ['-c', plain, 'sh', 'ab', 'c', 'a;'], { encoding: 'utf8' }), '<ab>\n<a;>\n');
});
