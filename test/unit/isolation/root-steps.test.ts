import test from 'ava';
import { rootSteps } from '../../../isolation/root-steps.js';

const plan = {
  mounts: [
    {
      source: '/usr',
      target: '/usr',
      type: 'none',
      options: ['bind', 'ro', 'nosuid', 'nodev', 'X-mount.mkdir'],
    },
    {
      source: 'tmpfs',
      target: '/tmp',
      type: 'tmpfs',
      options: ['mode=1777', 'size=9', 'nosuid', 'nodev', 'X-mount.mkdir'],
    },
    { source: '/data', target: '/data', type: 'none', options: ['rbind', 'X-mount.mkdir=0711'] },
  ],
  directories: ['/etc'],
  links: ['/bin', '/etc/localtime'],
  files: [{ path: '/etc/passwd', text: 'root' }],
  hostname: 'alice-notes',
  seal: false,
};

test('a bind mount is restricted once it is there, others are made as they shall be', (t) => {
  const steps = rootSteps(plan).map((step) => step.join(' '));
  const usr = steps.indexOf('mount /usr /sys/usr none 4096 ');
  t.true(usr > 0);
  t.is(steps[usr - 1], 'directory /sys/usr 755');
  t.is(steps[usr + 1], `restrict /sys/usr ${32 | 4096 | 1 | 2 | 4}`);
  t.true(steps.includes(`mount tmpfs /sys/tmp tmpfs ${2 | 4} mode=1777,size=9`));
  t.true(steps.includes(`mount /data /sys/data none ${4096 | 16384} `));
  t.true(steps.includes('directory /sys/data 0711'));
  t.false(steps.some((step) => step.startsWith('restrict /sys/data')));
});

test('what mounts and links are put into is there before, and the old root is let go last', (t) => {
  const names = rootSteps(plan).map(([name]) => name);
  t.is(names[0], 'mount');
  t.is(names.at(-1), 'root');
  t.true(names.indexOf('directory') < names.indexOf('link'));
  t.true(names.indexOf('link') < names.indexOf('restrict'));
});

test('what the instance would own is made read-only as a whole', (t) => {
  const sealed = rootSteps({ ...plan, seal: true });
  t.deepEqual(sealed.at(-2), ['restrict', '/sys', 32 | 4096 | 1 | 2 | 4]);
});
