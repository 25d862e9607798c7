import test from 'ava';
import { nearest, servicesHint } from '../../../src/base/nearest.js';

test('the nearest, unless it is too far', (t) => {
  const known = ['notes', 'shop', 'blog'];
  t.is(nearest('nots', known), 'notes');
  t.is(nearest('shpo', known), 'shop');
  t.is(nearest('customers', known), undefined);
  t.is(nearest('notes', []), undefined);
  t.is(nearest('x', ['a', 'b']), undefined, 'nothing of it is left');
});

test('what to try instead of a service that there is not', (t) => {
  t.is(servicesHint('nots', ['notes', 'shop']), 'Did you mean "notes"? The services are: notes, shop.');
  t.is(servicesHint('customers', ['notes']), 'The services are: notes.');
  t.regex(servicesHint('x', []), /`ten init`/);
});
