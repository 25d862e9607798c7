import { join } from 'node:path';
import test from 'ava';
import { findDataDir } from '../../../src/cli/data-dir.js';
import { configFile } from '../../helpers/config-file.js';
import { freshDir } from '../../helpers/fresh-dir.js';

for (const [what, text, path] of [
  ['of a valid file', '[settings]\ndata_dir = "data"\n', 'data'],
  [
    'of one that has an error of syntax',
    '[settings]\ndata_dir = "data" # mine\n[service.a]\nnonsense =\n',
    'data',
  ],
  ['of one that names none and has an error', '[service.a]\nnonsense =\n', 'tenement-data'],
] as const) {
  test(`the data directory ${what} is found`, async (t) => {
    const directory = freshDir(t);
    configFile(t, text, directory);
    const found = await findDataDir({ config: join(directory, 'tenement.toml') } as Parameters<
      typeof findDataDir
    >[0]);
    t.deepEqual(found, { path: join(directory, path), from: 'config' });
  });
}
