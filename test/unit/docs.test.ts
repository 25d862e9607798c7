import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { GENERATED_FILES } from '../../scripts/generated-files.js';
import { packageRoot } from '../../src/base/package-root.js';

for (const file of GENERATED_FILES) {
  test(`${file.path} is current`, async (t) => {
    const written = readFileSync(join(packageRoot, file.path), 'utf8');
    t.true(written === (await file.content()), `${file.path} is not current: run \`npm run docs\``);
  });
}
