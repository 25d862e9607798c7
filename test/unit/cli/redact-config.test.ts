import test from 'ava';
import { redactConfig } from '../../../src/cli/redact-config.js';

test('values of the environment tables are hidden, directories are not', (t) => {
  const shown = redactConfig({
    service: {
      notes: {
        command: 'app',
        args: undefined,
        env: {
          KEY: 'sk_live_1',
          DB: 'postgres://u:secret@h/{id}',
          DATA: '{data_dir}/{id}/app.db',
          PORT: '{port}',
          N: 5,
        },
      },
    },
  });
  t.deepEqual(shown, {
    service: {
      notes: {
        command: 'app',
        env: { KEY: '***', DB: '***', DATA: '{data_dir}/{id}/app.db', PORT: '{port}', N: '***' },
      },
    },
  });
});
