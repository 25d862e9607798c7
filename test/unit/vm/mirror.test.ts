import test from 'ava';
import { mirrorOf } from '../../vm/image/mirror.js';

test('the mirror is that of the release itself, not of its updates or of others', (t) => {
  const stanzas = `Types: deb
# URIs: http://commented.invalid
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://security.test/debian
Suites: bookworm-security
`;
  t.is(
    mirrorOf(['Types: deb\nURIs: http://node.test\nSuites: nodistro\n', stanzas], 'bookworm'),
    'http://mirror.test/debian',
  );
  t.is(mirrorOf([stanzas], 'trixie'), undefined);
  t.is(mirrorOf([], 'bookworm'), undefined);
});

test('one-line sources, with options and comments', (t) => {
  const lines = `# deb http://commented.invalid bookworm main
deb-src http://sources.invalid bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://mirror.test/debian bookworm main
`;
  t.is(mirrorOf([lines], 'bookworm'), 'https://mirror.test/debian');
});

test('a source that is turned off is none', (t) => {
  const off = 'Types: deb\nEnabled: no\nURIs: http://off.invalid\nSuites: bookworm\n';
  t.is(mirrorOf([off], 'bookworm'), undefined);
});
