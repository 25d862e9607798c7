import { networkInterfaces } from 'node:os';
import test from 'ava';
import { innerEgressRules } from '../../../../isolation/network/rules.js';
import { missingForUplink, uplinkOf } from '../../../../isolation/network/uplink.js';
import { TenementError } from '../../../../src/base/errors.js';

const tools = {
  pasta: '/usr/bin/pasta',
  slirp4netns: '/usr/bin/slirp4netns',
  nft: '/usr/sbin/nft',
  perl: '/usr/bin/perl',
};

test('nothing is passed in, nor to the loopback of the machine, whatever the defaults are', (t) => {
  const command = uplinkOf({ tools }, [], '/dev/null').command('/sys/net').join(' ');
  t.true(command.startsWith('/usr/bin/pasta '));
  for (const option of ['-t none', '-u none', '-T none', '-U none', '--no-map-gw', '--netns /sys/net']) {
    t.true(command.includes(` ${option}`), option);
  }
});

test('where there is no pasta, slirp4netns does it, and passes nothing to the loopback of the machine either', (t) => {
  const uplink = uplinkOf({ tools: { ...tools, pasta: undefined } }, [], '/dev/null');
  t.false(uplink.backgrounds);
  const command = uplink.command('/sys/net').join(' ');
  t.true(command.startsWith('/usr/bin/slirp4netns '));
  t.true(command.endsWith(' --netns-type=path /sys/net eth0'));
  for (const option of ['--disable-host-loopback', '--disable-dns'])
    t.true(command.includes(` ${option}`), option);
});

test('what is allowed comes before what is refused, and everything else that is private or ours is refused', (t) => {
  const rules = innerEgressRules(['127.0.0.1', '203.0.113.1'], [{ host: '10.1.2.4', port: 8000 }]);
  const place = (text: string): number => rules.findIndex((rule) => rule.includes(text));
  t.true(place('10.1.2.4 . 8000') > place('oifname "lo" accept'));
  t.true(place('10.1.2.4 . 8000') < place('10.0.0.0/8'));
  t.true(place('203.0.113.1') > 0);
  t.is(place('ip daddr 127.0.0.1 '), -1, 'its own loopback is its own');
  t.regex(rules[1] ?? '', /policy drop/, 'also for what the rules forget');
  t.is(rules.at(-1), 'add rule inet tenement output accept');
});

test("this machine's addresses are those that it has", (t) => {
  const { rules } = uplinkOf({ tools }, [], '/dev/null');
  for (const { family, address, internal } of Object.values(networkInterfaces()).flatMap(
    (all) => all ?? [],
  )) {
    if (family === 'IPv4' && !internal) t.true(rules.includes(`ip daddr ${address} `), address);
  }
  t.true(rules.endsWith('\n'));
});

test('without one of its programs it says which', (t) => {
  t.is(missingForUplink({ tools }), undefined);
  for (const name of ['pasta (or slirp4netns)', 'nft', 'perl']) {
    const gone = name.startsWith('pasta')
      ? { pasta: undefined, slirp4netns: undefined }
      : { [name]: undefined };
    const host = { tools: { ...tools, ...gone } };
    t.is(missingForUplink(host), name);
    const error = t.throws(() => uplinkOf(host, []), { instanceOf: TenementError });
    t.true(error?.message.includes(`${name} was not found`));
  }
});

test('a device that cannot be opened is named', (t) => {
  const error = t.throws(() => uplinkOf({ tools }, [], '/dev/no/tun'), { instanceOf: TenementError });
  t.is(error?.code, 'isolation_unavailable');
  t.regex(error?.message ?? '', /\/dev\/no\/tun cannot be opened/);
  t.regex(error?.hint ?? '', /\/dev\/no\/tun/);
});
