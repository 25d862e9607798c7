import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { configurationPage } from '../../../src/config/docs.js';
import { EXAMPLE } from '../../../src/config/docs-example.js';
import { editorSchema, fileJsonSchema, type JsonSchema } from '../../../src/config/json-schema.js';
import { loadConfig } from '../../../src/config/load.js';
import { notYetSettings } from '../../../src/config/not-yet.js';
import { SERVICE_GROUPS, serviceSchema } from '../../../src/config/service.js';
import { configFile, configOf } from '../../helpers/config-file.js';
import { freshDir } from '../../helpers/fresh-dir.js';

test('the example loads and can be started by this version', (t) => {
  const config = configOf(t, EXAMPLE);
  t.deepEqual(notYetSettings(config.settings), []);
});

test('each key has a description and stands on the page once per table', (t) => {
  const page = configurationPage();
  t.deepEqual(Object.values(SERVICE_GROUPS).flat().sort(), Object.keys(serviceSchema.shape).sort());
  for (const key of Object.keys(serviceSchema.shape)) t.true(page.includes(`| \`${key}\` | `), key);
  const visit = (schema: JsonSchema | undefined, path: string) => {
    for (const [key, one] of Object.entries(schema?.properties ?? {})) {
      if (path !== '') t.truthy(one.description, `${path}.${key}`);
      visit(one, `${path}.${key}`);
      if (typeof one.additionalProperties === 'object') visit(one.additionalProperties, `${path}.${key}`);
    }
  };
  visit(
    {
      properties: {
        settings: fileJsonSchema().properties?.settings ?? {},
        service: fileJsonSchema().properties?.service ?? {},
      },
    },
    '',
  );
  t.notRegex(page, /undefined|\[object/);
});

test('the schema for editors is strict and has the defaults', (t) => {
  const schema = JSON.parse(editorSchema());
  t.is(schema.additionalProperties, false);
  const service = schema.properties.service.additionalProperties;
  t.is(service.additionalProperties, false);
  t.deepEqual(service.required, ['command']);
  t.is(service.properties.stop_timeout.default, 10);
  t.false('kind' in service.properties.stop_timeout);
});

test('what the defaults of the page say is what the program uses', (t) => {
  const settings = fileJsonSchema().properties?.settings?.properties ?? {};
  const written = Object.entries(settings).flatMap(([key, { default: value }]) =>
    value === undefined ? [] : [[key, value]],
  );
  const dir = freshDir(t);
  const [bare, explicit] = [configFile(t, '', join(dir, 'x')), configFile(t, '', join(dir, 'x/y'))];
  writeFileSync(explicit, `settings = ${toInline(Object.fromEntries(written))}\n`);
  const strip = (path: string) => ({ ...loadConfig({ path }).settings, data_dir: '' });
  t.deepEqual(strip(explicit), strip(bare));
});

function toInline(value: Record<string, unknown>): string {
  const pairs = Object.entries(value).map(([key, one]) => `${key} = ${JSON.stringify(one)}`);
  return `{ ${pairs.join(', ')} }`;
}
