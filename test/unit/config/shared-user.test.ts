import test from 'ava';
import { sharedUserWarnings } from '../../../src/config/shared-user.js';
import { configOf } from '../../helpers/config-file.js';

const warned = (t: Parameters<typeof configOf>[0], lines: string) =>
  sharedUserWarnings(configOf(t, `[service.notes]\ncommand = "x"\n${lines}`));

test('a named user in the network of the machine is warned of, with what to use', (t) => {
  for (const isolation of ['auto', 'namespace', 'sandbox', 'systemd']) {
    const [warning = '', ...others] = warned(t, `user = "nobody"\nisolation = "${isolation}"`);
    t.regex(warning, /service\.notes.*"nobody".*every process of that user.*use user = "auto"/, isolation);
    t.deepEqual(others, []);
  }
});

test('where no such rules are made, or only the instance has the user, there is nothing to warn of', (t) => {
  t.deepEqual(warned(t, 'user = "auto"\nisolation = "namespace"'), []);
  t.deepEqual(warned(t, 'isolation = "namespace"'), []);
  t.deepEqual(warned(t, 'user = "nobody"\nisolation = "process"'), []);
  t.deepEqual(warned(t, 'user = "nobody"\nisolation = "namespace"\nnetwork = "none"'), []);
});
