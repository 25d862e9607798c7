import test from 'ava';
import { isOwn, ownerMark, runsAlready } from '../../../../isolation/unit/ownership.js';

const marked = (owner: string) => ({ Documentation: ownerMark(owner)[2] });

test('a unit is that of the server whose directory it is marked with, and no other', (t) => {
  t.deepEqual(ownerMark('/var/lib/tenement'), ['Documentation', 'as', ['file:///var/lib/tenement']]);
  for (const owner of ['/var/lib/tenement', '/srv/50% of it', '/srv/ä b']) {
    t.true(isOwn(marked(owner), owner));
    // systemd would fill something in for a percent sign, and refuses what is not ASCII.
    t.regex(String(marked(owner).Documentation), /^file:\/\/\/[\w./-]+$/);
    t.false(isOwn(marked(`${owner}2`), owner));
    t.false(isOwn(marked('/var/lib'), owner));
  }
  for (const values of [{}, { Documentation: [] }, { Documentation: 'file:///a' }])
    t.false(isOwn(values, '/a'));
});

test('of what runs already it is told whose it is, and how to end all of it', (t) => {
  const error = runsAlready('a.socket', { values: marked('/srv/other'), others: ['a.service'] });
  t.is(error.code, 'unproven_process');
  t.regex(error.message, /the unit a\.socket runs already, .*the server whose data is in \/srv\/other$/);
  t.regex(error.hint, /systemctl stop 'a\.socket' 'a\.service'/);
});
