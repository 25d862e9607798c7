import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test from 'ava';
import type { AttackId } from '../../../isolation/attacks/catalog.js';
import { measure } from '../../../isolation/attacks/measure.js';
import { wayOf } from '../../../isolation/attacks/ways.js';
import { createBackends, probeHost, select } from '../../../isolation/index.js';
import { findProcesses, uidsOf } from '../../../isolation/proc.js';
import { patience } from '../../helpers/patience.js';
import { newUser, skipped } from './variants.js';

const host = await probeHost();

if (!host.root || host.platform !== 'linux') {
  skipped(test, 'attacks', 'only root can start instances as one user that is not its own');
} else {
  test('the attacks work: between two instances of one user without isolation most succeed, and nothing is left', async (t) => {
    const one = newUser(false);
    const before = traces();
    const outcomes = await measure({
      way: wayOf(host, 'process', 'host', true),
      backend: select(createBackends(host), 'process', host),
      host,
      newIdentity: () => one,
      patienceMs: patience(120_000),
      // All of these are reached, at once or when the machine gets to it.
      waitMs: patience(30_000),
    });
    const succeed: AttackId[] = [
      'sibling-read',
      'sibling-write',
      'foreign-processes',
      'sibling-command',
      'sibling-environment',
      'sibling-signal',
      'sibling-memory',
      'sibling-port',
      'sibling-udp',
      'management-port',
      'abstract-socket',
      'shared-tmp',
      'shared-memory',
      'ptrace',
    ];
    for (const id of succeed) t.is(outcomes[id].outcome, 'open', id);
    t.deepEqual(
      traces().filter((name) => !before.includes(name)),
      [],
    );
    const left = await findProcesses(({ pid }) => uidsOf(pid)[0] === one.uid);
    t.deepEqual(left, []);
  });
}

const traces = () =>
  [...readdirSync(tmpdir()), ...readdirSync('/dev/shm')].filter((name) =>
    name.startsWith(`tenement-attacks-${process.pid}-`),
  );
