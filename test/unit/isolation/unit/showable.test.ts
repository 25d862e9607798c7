import test from 'ava';
import { refuseUnshowable } from '../../../../isolation/unit/showable.js';

test('a path with a quote is refused where systemd would look for another one', (t) => {
  for (const path of ["/srv/o'clock", '/srv/"x"']) {
    for (const version of ['255', '257.9-1~deb13u1'])
      t.throws(() => refuseUnshowable([{ path: '/srv' }, { path }], version), { message: /quote in it/ });
    for (const version of ['252.39-1~deb12u2', undefined])
      t.notThrows(() => refuseUnshowable([{ path }], version));
  }
});

test('other signs are no matter', (t) => {
  t.notThrows(() => refuseUnshowable([{ path: '/srv/a b $HOME 100% a,b:c\\' }], '257'));
});
