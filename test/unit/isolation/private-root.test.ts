import { execFileSync } from 'node:child_process';
import test from 'ava';
import { quote, rootScript, tableLine } from '../../../isolation/private-root.js';

const plan = {
  mounts: [{ source: '/usr', target: '/usr', type: 'none', options: ['bind', 'ro'] }],
  directories: ['/etc', "/it's"],
  links: ['/bin'],
  files: [
    { path: '/dev/null', text: '' },
    { path: '/etc/passwd', text: "root:x:0:0:$(id)':/:/bin/sh\n" },
  ],
  hostname: 'alice-notes',
  seal: false,
};

test('a path with blanks, tabs, backslashes and # is one field of the table of mounts', (t) => {
  t.is(
    tableLine({ source: '/a b\\c', target: '/d\te#f', type: 'none', options: ['bind', 'ro'] }),
    '/a\\040b\\134c /sys/d\\011e\\043f none bind,ro 0 0\n',
  );
});

test('a quoted word reaches the program unchanged', (t) => {
  for (const text of ['', "it's", '$(id) `id` "x" \\', 'a\nb', '-n', "''"]) {
    const out = execFileSync('/bin/sh', ['-c', `printf '%s' ${quote(text)}`], { encoding: 'utf8' });
    t.is(out, text);
  }
});

test('every step stops the start when it fails, and the old root is let go last', (t) => {
  const lines = rootScript(plan).split(' || exit 1\n');
  t.is(lines.pop(), '');
  t.is(lines.at(-2), 'pivot_root . tmp');
  t.is(lines.at(-1), 'umount -n -l /tmp');
  t.true(lines.some((line) => line.includes(`'/sys/it'\\''s'`)));
});

test('what the instance would own is made read-only as a whole', (t) => {
  t.false(rootScript(plan).includes('remount'));
  const sealed = rootScript({ ...plan, seal: true });
  t.true(sealed.indexOf('remount,bind,ro') > sealed.indexOf('mount -n -a'));
  t.true(sealed.indexOf('remount,bind,ro') < sealed.indexOf('pivot_root'));
});

test('the script is one that a POSIX shell understands', (t) => {
  t.notThrows(() => execFileSync('/bin/sh', ['-n'], { input: rootScript(plan) }));
});
