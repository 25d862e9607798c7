import test from 'ava';
import pc from 'picocolors';
import { ATTACKS, createBackends, type Host, type Outcomes } from '../../../isolation/index.js';
import { attacksAsJson, attackTable } from '../../../src/cli/doctor/attack-table.js';
import { brokenPromises, type Measured } from '../../../src/cli/doctor/attacks.js';
import { checkServices } from '../../../src/cli/doctor/services.js';
import type { Config } from '../../../src/config/schema.js';
import { serviceSchema } from '../../../src/config/service.js';

const outcomes = (over: Partial<Outcomes> = {}): Outcomes =>
  Object.fromEntries(ATTACKS.map(({ id }) => [id, over[id] ?? { outcome: 'blocked' }])) as Outcomes;

const measured = (
  backend: 'process' | 'namespace',
  network: 'host' | 'none',
  over: Partial<Outcomes> = {},
): Measured => ({
  way: { backend, network, ownUser: true, guarded: false, filtered: backend !== 'process' },
  name: backend === 'process' ? 'process, own user' : `${backend}, network ${network}`,
  outcomes: outcomes(over),
  error: undefined,
});

const plain = pc.createColors(false);
const open = { outcome: 'open', detail: 'process 7' } as const;

test('an attack is open, OPEN against a promise, blocked or n/a, with advice and reasons below', (t) => {
  const text = attackTable(
    [
      measured('process', 'host', { 'foreign-processes': open }),
      measured('namespace', 'none', {
        'sibling-read': open,
        bpf: { outcome: 'n/a', detail: 'only perl could try it' },
      }),
      { ...measured('namespace', 'host'), outcomes: undefined, error: 'too busy' },
    ],
    plain,
  );
  t.regex(
    text,
    /^ {2}A {2}process, own user\n {2}B {2}namespace, network none\n {2}- {2}namespace, network host: too busy$/m,
  );
  t.regex(text, /^see processes that are not its own +open +blocked$/m);
  t.regex(text, /^read another customer's files +blocked +OPEN$/m);
  t.regex(text, /^load programs into the kernel \(bpf\) +blocked +n\/a$/m);
  t.regex(text, /^ {2}A {2}Use `isolation = "namespace"`.*\(see processes that are not its own\)$/m);
  t.regex(text, /^ {2}B {2}Please report it.*\(read another customer's files\)$/m);
  t.regex(text, /Not tried \(n\/a\):\n {2}load programs into the kernel \(bpf\): only perl could try it$/);
});

test('as data: what was found, what was promised, and a remedy for each open one', (t) => {
  const json = JSON.parse(
    JSON.stringify(attacksAsJson([measured('process', 'host', { 'foreign-processes': open })])),
  );
  t.like(json.ways[0], { name: 'process, own user', backend: 'process', network: 'host' });
  const attack = json.attacks.find(({ id }: { id: string }) => id === 'foreign-processes');
  t.like(attack.findings[0], {
    way: 'process, own user',
    outcome: 'open',
    detail: 'process 7',
    promised: false,
  });
  t.regex(attack.findings[0].remedy, /namespace/);
  t.is(json.attacks.length, ATTACKS.length);
});

test('only what is promised can be broken', (t) => {
  t.deepEqual(
    brokenPromises(measured('process', 'host', { 'foreign-processes': open, 'sibling-read': open })),
    ['sibling-read'],
  );
  t.deepEqual(brokenPromises(measured('namespace', 'host', { 'abstract-socket': open })), []);
  t.deepEqual(brokenPromises(measured('namespace', 'none', { 'abstract-socket': open })), [
    'abstract-socket',
  ]);
});

const host: Host = {
  platform: 'linux',
  root: true,
  cgroupRoot: undefined,
  controllers: [],
  bootId: '',
  tools: { perl: '/usr/bin/perl', unshare: '/usr/bin/unshare' },
  namespaces: { host: { works: true, reason: '' }, none: { works: true, reason: '' } },
};

function serviceStatus(service: object, all: readonly Measured[], on: Host = host) {
  const config = { service: { a: serviceSchema.parse({ command: 'x', ...service }) } } as unknown as Config;
  return checkServices(config, all, on, createBackends(on))[0];
}

test('a configured service fails when its isolation does not keep a promise here, or is not to be had', (t) => {
  const good = [measured('namespace', 'none'), measured('process', 'host')];
  t.like(serviceStatus({ network: 'none' }, good), { name: 'service a', status: 'ok' });
  t.like(serviceStatus({ isolation: 'auto', network: 'none' }, good), { status: 'ok' });
  const bad = [measured('namespace', 'none', { 'sibling-read': open })];
  t.like(serviceStatus({ network: 'none' }, bad), { status: 'fail' });
  t.regex(serviceStatus({ network: 'none' }, bad)?.found ?? '', /sibling-read/);
  t.like(serviceStatus({ isolation: 'sandbox' }, good), { status: 'fail' }, 'there is no bwrap');
  t.like(serviceStatus({ network: 'none' }, []), { status: 'fail' }, 'it was not measured');
  t.like(serviceStatus({ isolation: 'process' }, good), { status: 'warn' });
  t.like(serviceStatus({ isolation: 'process', user: 'auto' }, good), { status: 'ok' });
});
