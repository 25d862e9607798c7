import test from 'ava';
import { mountOf } from '../../../src/base/mount-info.js';

const TEXT = String.raw`27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 254:16 / /data rw,noatime shared:12 master:3 - ext4 /dev/vdb rw,prjquota
41 40 0:44 / /data/cache rw - tmpfs tmpfs rw,size=1024k
42 27 0:50 / /mnt/with\040blank rw - xfs /dev/a\040b rw,attr2,prjquota
43 27 0:51 / /over rw - xfs /dev/vdc rw
44 43 0:52 / /over rw - ext4 /dev/vdd rw
a broken line
`;

const where = (path: string) => {
  const mount = mountOf(path, TEXT);
  return mount && `${mount.type} ${mount.point}`;
};

test('the mount that is nearest above a path, by whole names', (t) => {
  t.is(where('/data'), 'ext4 /data');
  t.is(where('/data/notes/alice'), 'ext4 /data');
  t.is(where('/database'), 'ext4 /');
  t.is(where('/data/cache/x'), 'tmpfs /data/cache');
  t.is(where('/'), 'ext4 /');
  t.is(mountOf('/data', ''), undefined);
});

test('of two at one place the later one', (t) => {
  t.is(where('/over/x'), 'ext4 /over');
});

test('names with blanks, and options of the mount and of the file system', (t) => {
  t.is(where('/mnt/with blank/x'), 'xfs /mnt/with blank');
  t.deepEqual(mountOf('/mnt/with blank', TEXT)?.options, ['rw', 'rw', 'attr2', 'prjquota']);
  t.deepEqual(mountOf('/data', TEXT)?.options, ['rw', 'noatime', 'rw', 'prjquota']);
});
