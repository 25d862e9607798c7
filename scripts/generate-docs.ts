/** `npm run docs`: writes the generated files. With `--check` it writes nothing and fails when one is not current. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../src/base/package-root.js';
import { GENERATED_FILES } from './generated-files.js';

const check = process.argv.includes('--check');
for (const file of GENERATED_FILES) {
  const path = join(packageRoot, file.path);
  const content = await file.content();
  if (read(path) === content) continue;
  if (check) {
    process.exitCode = 1;
    console.error(`${file.path} is not current: run \`npm run docs\``);
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    console.log(`wrote ${file.path}`);
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
