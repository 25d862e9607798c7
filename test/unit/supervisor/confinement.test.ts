import test from 'ava';
import { parse } from 'smol-toml';
import { fileSchema } from '../../../src/config/schema.js';
import { confinement } from '../../../src/supervisor/confinement.js';

const TOML = `
[settings]
data_dir = "/srv/app/data"
listen = ["127.0.0.1:8080", "unix:/srv/app/web.sock"]
[settings.proxy]
access_log = "access.log"
[service.notes]
command = "x"
env_file = "/srv/app/notes.env"
[service.billing]
command = "x"
env_file = "/srv/app/billing.env"
`;

test('what an instance never sees: the data root, and what the server and other services have beside it', (t) => {
  const config = { ...fileSchema.parse(parse(TOML)), path: '/srv/app/tenement.toml' };
  const { notes } = config.service;
  if (notes === undefined) return void t.fail();
  const { files } = confinement({ service: 'notes', id: 'alice' }, config, notes, [], '/home');
  t.deepEqual(files?.hidden, [
    '/srv/app/data',
    '/srv/app/tenement.toml',
    '/srv/app/notes.env',
    '/srv/app/billing.env',
    '/srv/app/access.log',
    '/srv/app/web.sock',
  ]);
});
