import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { openapi } from '../../../src/api/openapi.js';
import { ROUTES } from '../../../src/api/routes.js';
import { packageRoot } from '../../../src/base/package-root.js';

interface Operation {
  operationId: string;
  responses: Record<string, unknown>;
}

test('docs/openapi.json is what the code says', (t) => {
  const file: unknown = JSON.parse(readFileSync(join(packageRoot, 'docs', 'openapi.json'), 'utf8'));
  t.deepEqual(file, JSON.parse(JSON.stringify(openapi())), 'run `npm run docs`');
});

test('every row of the table is described, with an id of its own', (t) => {
  const { paths } = openapi() as { paths: Record<string, Record<string, Operation>> };
  const ids = Object.values(paths).flatMap((operations) =>
    Object.values(operations).map(({ operationId }) => operationId),
  );
  t.is(ids.length, ROUTES.length);
  t.is(new Set(ids).size, ids.length);
});

test('every reference leads somewhere', (t) => {
  const document = openapi() as { components: { schemas: Record<string, unknown> } };
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
  t.true(refs.length > 20);
  for (const [, name] of refs) t.true(Object.hasOwn(document.components.schemas, name ?? ''), name);
  t.notRegex(JSON.stringify(document), /"\$ref":"(?!#\/components\/schemas\/)/);
});

test('docs/api.md speaks of every part of the API', (t) => {
  const page = readFileSync(join(packageRoot, 'docs', 'api.md'), 'utf8');
  for (const { path } of ROUTES) {
    const first = path.replace(/\/:.*/, '').split('/').slice(0, 3).join('/');
    t.true(page.includes(first), `${first} is not mentioned`);
  }
});
