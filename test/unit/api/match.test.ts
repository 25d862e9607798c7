import test from 'ava';
import { createMatcher, parseTarget } from '../../../src/api/match.js';
import { json, route } from '../../../src/api/routes/route.js';

const row = (method: 'GET' | 'POST', path: string) =>
  route({ method, path, scope: 'admin', summary: '', action: 'x', handler: () => json({}) });
const match = createMatcher([row('GET', '/a/:id'), row('POST', '/a/spawn'), row('GET', '/a/:id/:name')]);
const find = (method: string, target: string) => match(method, parseTarget(target).segments);

test('literal segments win over parameters, and parameters are decoded', (t) => {
  t.like(find('POST', '/a/spawn'), { kind: 'route', params: {} });
  t.like(find('GET', '/a/notes%3Aalice/x%2Fy?q=1'), { params: { id: 'notes:alice', name: 'x/y' } });
  t.like(find('HEAD', '/a/x'), { kind: 'route' });
  t.deepEqual(find('DELETE', '/a/x'), { kind: 'method', allow: ['GET', 'HEAD'] });
  for (const target of ['/', '/a', '/a/', '/b', '/a/x/y/z', '/a/../a/x/y']) {
    t.deepEqual(find('GET', target), { kind: 'none' }, target);
  }
});

test('a target has an origin or none, and a query that may hold anything', (t) => {
  const { segments, query } = parseTarget('http://host:1/a/b?x=1&y=%3F?');
  t.deepEqual(segments, ['a', 'b']);
  t.is(query.get('y'), '??');
  t.throws(() => parseTarget('/a/%zz'), { code: 'bad_request' });
});

test('a row that leaves a decision out is refused', (t) => {
  const handler = () => json({});
  t.throws(() => route({ method: 'POST', path: '/x', scope: 'admin', summary: '', handler }), {
    message: /audit/,
  });
  t.throws(() => route({ method: 'GET', path: '/x', scope: 'tenant', summary: '', handler }), {
    message: /filtered/,
  });
});
