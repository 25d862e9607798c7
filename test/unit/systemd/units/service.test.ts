import test from 'ava';
import { quotePath } from '../../../../systemd/units/hardening.js';
import { comment, isOurs } from '../../../../systemd/units/marker.js';
import { type ServiceUnit, serviceUnit } from '../../../../systemd/units/service.js';
import { socketUnit } from '../../../../systemd/units/socket.js';

const UNIT: ServiceUnit = {
  node: '/usr/bin/node',
  perl: '/usr/bin/perl',
  program: '/opt/tenement/current',
  config: '/etc/tenement/tenement.toml',
  domain: 'example.com',
  stopSecs: 100,
  work: 'manager',
  writes: ['/var/lib/tenement'],
  firewall: false,
  sharesTmp: false,
  otherUsers: false,
  homes: false,
};
const lines = (unit: Partial<ServiceUnit> = {}): string[] => serviceUnit({ ...UNIT, ...unit }).split('\n');
const capabilities = (unit: Partial<ServiceUnit>): string =>
  lines(unit).find((line) => line.startsWith('CapabilityBoundingSet=')) ?? '';

test('it is recognised, and every line is a section, a setting, a comment or empty', (t) => {
  t.true(isOurs(serviceUnit(UNIT)));
  for (const work of ['manager', 'users', 'namespaces'] as const) {
    for (const line of lines({ work, sharesTmp: true, homes: true, otherUsers: true }))
      t.regex(line, /^(\[\w+\]|[A-Z]\w+=.+|#.*|)$/);
  }
});

test('only who builds namespaces may', (t) => {
  t.regex(capabilities({ work: 'namespaces' }), /CAP_SYS_ADMIN/);
  for (const work of ['manager', 'users'] as const) {
    t.notRegex(capabilities({ work }), /CAP_SYS_ADMIN/);
    t.true(lines({ work }).includes('RestrictNamespaces=yes'));
  }
  t.notRegex(capabilities({ work: 'manager' }), /CAP_SETUID|CAP_NET_ADMIN/);
  t.regex(capabilities({ work: 'manager', firewall: true }), /CAP_NET_ADMIN/);
});

test('the file system is open only as far as something lies there', (t) => {
  t.true(lines().includes('ProtectSystem=strict'));
  t.true(lines({ work: 'users' }).includes('ProtectSystem=strict'));
  t.true(lines({ work: 'users', otherUsers: true }).includes('ProtectSystem=full'));
  t.true(lines().includes('ProtectHome=yes'));
  t.true(lines({ homes: true }).includes('ProtectHome=read-only'));
  t.false(lines({ sharesTmp: true }).includes('PrivateTmp=yes'));
  t.true(lines().includes('ReadWritePaths=-/var/lib/tenement'));
});

test('only the main process is believed, where something can connect it to systemd', (t) => {
  t.true(lines().includes('NotifyAccess=main'));
  t.true(lines({ perl: undefined }).includes('NotifyAccess=all'));
  t.true(
    lines({ perl: undefined }).includes(
      'ExecStart=/usr/bin/node /opt/tenement/current/bin/ten serve --config /etc/tenement/tenement.toml --domain example.com',
    ),
  );
});

test('what means something to systemd is quoted', (t) => {
  t.is(quotePath('/a/b'), '/a/b');
  t.is(quotePath('/a b'), '"/a b"');
  t.is(quotePath('/50%'), '/50%%');
  t.is(quotePath('/a"b\\c'), '"/a\\"b\\\\c"');
  t.true(serviceUnit({ ...UNIT, config: '/a $b/c' }).includes('"/a $$b/c"'));
});

test('comments are short lines', (t) => {
  const text = comment('word '.repeat(100).trim());
  t.true(text.length > 1);
  for (const line of text) t.true(line.startsWith('# word') && line.length <= 110);
});

test('the sockets stand in their order', (t) => {
  const text = socketUnit(['0.0.0.0:80', '[::]:80', '/run/x.sock']);
  t.deepEqual(
    [...text.matchAll(/^ListenStream=(.*)$/gm)].map(([, address]) => address),
    ['0.0.0.0:80', '[::]:80', '/run/x.sock'],
  );
  t.true(text.includes('SocketMode=0660'));
  t.false(socketUnit(['[::]:80']).includes('SocketMode'));
});
