import test from 'ava';
import { reloadLines } from '../../../../src/cli/commands/reload.js';

const NOTHING = { changed: [], added: [], removed: [] };

test('nothing changed', (t) => {
  t.deepEqual(reloadLines({ ...NOTHING, keys: [], listed: [], unlisted: [] }), ['Reloaded: nothing changed']);
});

test('an older server does not tell all of it', (t) => {
  t.deepEqual(reloadLines({ ...NOTHING, changed: ['notes'] }), [
    'Reloaded',
    '  changed, what is awake restarted: notes',
  ]);
});

test('each kind of change on a line of its own; a key is told once', (t) => {
  const answer = {
    changed: ['notes'],
    added: ['blog'],
    removed: ['shop'],
    keys: [
      'settings.max_restarts',
      'service.notes.command',
      'service.notes.idle_timeout',
      'service.n.health',
    ],
    listed: ['notes:carol'],
    unlisted: ['notes:bob'],
  };
  t.deepEqual(reloadLines(answer), [
    'Reloaded',
    '  changed, what is awake restarted: notes (command, idle_timeout)',
    '  added: blog',
    '  removed and stopped: shop',
    '  in force without a restart: settings.max_restarts, service.n.health',
    '  now in [instances]: notes:carol',
    '  no longer in [instances]: notes:bob',
  ]);
});

for (const what of ['changed', 'added', 'removed', 'keys', 'listed', 'unlisted'] as const) {
  test(`${what} alone is not "nothing"`, (t) => {
    t.notRegex(reloadLines({ ...NOTHING, [what]: ['x'] }).join('\n'), /nothing/);
  });
}
