import test from 'ava';
import fc from 'fast-check';
import { fillTemplate, templateNames } from '../../../src/config/template.js';

const vars = { name: 'notes', id: 'alice', data_dir: '/d', version: 'alice', port: '30001' };

test('known variables are filled in', (t) => {
  t.is(fillTemplate('{data_dir}/{name}/{id}/{version}:{port}', vars), '/d/notes/alice/alice:30001');
});

test('braces that are not around an identifier are text', (t) => {
  for (const text of ['{"id":1}', '{}', '{ id }', '{id', 'id}', '{i-d}', '{1}'])
    t.is(fillTemplate(text, vars), text);
  t.is(fillTemplate('{{id}}', vars), '{alice}');
});

test('what has no value, is unknown or belongs to a shell stays', (t) => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's variable is what is tested
  for (const text of ['{socket}', '{nope}', '${port}', '{constructor}']) t.is(fillTemplate(text, vars), text);
});

test('what was filled in is not read again', (t) => {
  t.is(fillTemplate('{data_dir}', { ...vars, data_dir: '/{id}/$&' }), '/{id}/$&');
});

test('names are found in order, known or not', (t) => {
  t.deepEqual(templateNames('{a}/{id}{"x"}{b_1}'), ['a', 'id', 'b_1']);
});

test('text without braces never changes', (t) => {
  fc.assert(fc.property(fc.string(), (text) => text.includes('{') || t.is(fillTemplate(text, vars), text)));
});
