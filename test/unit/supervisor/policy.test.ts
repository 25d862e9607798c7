import test from 'ava';
import { afterDeath, countDeath, type Death, type RestartPolicy } from '../../../src/supervisor/policy.js';

const policy: RestartPolicy = {
  restart: 'on-failure',
  maxRestarts: 3,
  windowMs: 300_000,
  backoffBaseMs: 1000,
  backoffMaxMs: 3000,
};
const now = 1_000_000;
const death: Death = {
  deaths: [now],
  wasReady: true,
  collisions: 0,
  clean: false,
  want: 'on-demand',
  wanted: false,
};
const deaths = (count: number) => Array.from({ length: count }, (_, i) => now - (count - 1 - i) * 10);
const newborn: Partial<Death> = { wasReady: false };
const backoff = (ms: number) => ({ kind: 'backoff', until: now + ms });

const cases: [string, Partial<Death>, Partial<RestartPolicy>, object][] = [
  ['the first from ready: at once', {}, {}, { kind: 'start' }],
  ['the second from ready: after the base delay', { deaths: deaths(2) }, {}, backoff(1000)],
  ['the third: twice that', { deaths: deaths(3) }, {}, backoff(2000)],
  ['a first start that failed: after the base delay', { wasReady: false }, {}, backoff(1000)],
  ['a second start that failed', { wasReady: false, deaths: deaths(2) }, {}, backoff(2000)],
  ['never longer than the longest', { wasReady: false, deaths: deaths(3) }, {}, backoff(3000)],
  [
    'one more than max_restarts: failed until the oldest of the last ones leaves the window',
    { deaths: deaths(4) },
    {},
    { kind: 'failed', until: now - 30 + 300_000 + 0 },
  ],
  ['max_restarts = 0: failed at the first', {}, { maxRestarts: 0 }, { kind: 'failed', until: now + 300_000 }],
  ['clean, nobody waits: rests', { clean: true }, {}, { kind: 'rest' }],
  ['clean, somebody waits: starts', { clean: true, wanted: true }, {}, { kind: 'start' }],
  ['clean with restart = always: starts', { clean: true }, { restart: 'always' }, { kind: 'start' }],
  ['clean before it was ready is a failure', { clean: true, wasReady: false }, {}, backoff(1000)],
  [
    'its port was taken and somebody waits: at once, whatever the limits',
    { wasReady: false, collisions: 2, wanted: true, deaths: deaths(9) },
    { restart: 'never', maxRestarts: 0 },
    { kind: 'start' },
  ],
  [
    'its port was taken, and it is wanted up',
    { ...newborn, collisions: 1, want: 'up' },
    {},
    { kind: 'start' },
  ],
  ['its port was taken, and nobody waits', { ...newborn, collisions: 1 }, {}, backoff(1000)],
  ['a third taken port', { ...newborn, collisions: 3, wanted: true, deaths: deaths(3) }, {}, backoff(3000)],
  [
    'a third taken port, with no restarts left',
    { ...newborn, collisions: 3, wanted: true, deaths: deaths(4) },
    {},
    { kind: 'failed', until: now - 30 + 300_000 },
  ],
  [
    'a third taken port with restart = never: rests',
    { ...newborn, collisions: 3, wanted: true },
    { restart: 'never' },
    { kind: 'rest' },
  ],
  [
    'its port was taken while it was held',
    { ...newborn, collisions: 1, wanted: true, want: 'down' },
    {},
    { kind: 'rest' },
  ],
  ['restart = never: rests', {}, { restart: 'never' }, { kind: 'rest' }],
  ['restart = never, but a request waits', { wanted: true }, { restart: 'never' }, { kind: 'start' }],
  [
    'disabled: rests whoever waits',
    { want: 'disabled', wanted: true },
    { restart: 'always' },
    { kind: 'rest' },
  ],
  ['held: rests whoever waits', { want: 'down', wanted: true }, { restart: 'always' }, { kind: 'rest' }],
];

for (const [title, about, config, verdict] of cases) {
  test(`after a death: ${title}`, (t) => {
    t.deepEqual(afterDeath({ ...death, ...about }, { ...policy, ...config }, now), verdict as never);
  });
}

test('deaths that have left the window are not counted', (t) => {
  t.deepEqual(countDeath([1, 2, 300_000], 300_001, policy), [2, 300_000, 300_001]);
});

test('a huge count of deaths gives a finite delay', (t) => {
  const many = { ...policy, maxRestarts: 1e6 };
  t.deepEqual(afterDeath({ ...death, deaths: deaths(5000) }, many, now), backoff(3000) as never);
});
