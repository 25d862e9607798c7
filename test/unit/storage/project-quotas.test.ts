import test from 'ava';
import { findProjectQuotas, isSupported, whyNot } from '../../../src/storage/project-quotas.js';
import { inheritArgs, limitArgs, moveArgs, projectsOf } from '../../../src/storage/quota-tools.js';

const mount = (type: string, ...options: string[]) => ({ root: '/', type, point: '/data', options });

test('what a file system must have, and root', (t) => {
  t.is(whyNot(mount('ext4', 'rw', 'prjquota'), true), undefined);
  t.is(whyNot(mount('xfs', 'rw', 'prjquota'), true), undefined);
  t.is(whyNot(mount('xfs', 'rw', 'pquota'), true), undefined);
  t.regex(whyNot(mount('ext4', 'rw', 'usrquota'), true)?.reason ?? '', /mounted without/);
  t.regex(whyNot(mount('xfs', 'rw', 'pqnoenforce'), true)?.reason ?? '', /mounted without/);
  t.regex(whyNot(mount('btrfs', 'rw', 'prjquota'), true)?.reason ?? '', /btrfs at \/data has no/);
  t.regex(whyNot(mount('ext4', 'prjquota'), false)?.reason ?? '', /root/);
  t.regex(whyNot(undefined, true)?.reason ?? '', /cannot be told/);
});

test('there is something to do about each', (t) => {
  t.regex(whyNot(mount('ext4', 'rw'), true)?.remedy ?? '', /tune2fs .*quota,project.*prjquota/);
  t.regex(whyNot(mount('xfs', 'rw'), true)?.remedy ?? '', /prjquota/);
});

test('a directory that is not there yet is looked at where it will be', async (t) => {
  const here = await findProjectQuotas('/proc/no/such/directory', true);
  t.false(isSupported(here));
  t.regex(
    'reason' in here ? here.reason : '',
    process.platform === 'linux' ? /^proc at \/proc has no/ : /Linux/,
  );
});

test('the words of the tools', (t) => {
  t.deepEqual(moveArgs(['/d/a', '/d/b'], 19), ['-R', '-p', '19', '/d/a', '/d/b']);
  t.deepEqual(inheritArgs(['/d/a'], '-P'), ['-R', '-f', '-P', '/d/a']);
  t.deepEqual(limitArgs(19, 5 * 2 ** 20, '/d'), ['-P', '19', '0', '5120', '0', '0', '/d']);
  t.deepEqual(limitArgs(19, undefined, '/d'), ['-P', '19', '0', '0', '0', '0', '/d']);
  t.is(limitArgs(19, 3, '/d')[3], '1', '0 would be no limit');
});

test('lsattr tells projects', (t) => {
  t.deepEqual(projectsOf('1900000001 --------------e----P-- /d/a b\n    0 ------ /d/1\n'), [1900000001, 0]);
  t.deepEqual(projectsOf(''), []);
});
