import test from 'ava';
import { type Attack, refuses, SMUGGLED } from '../../../helpers/attacks.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: the proxy routes by one name and the app acts on another (cache poisoning, another tenant's data, reset links to a foreign host).

const bench = proxyBench(test);
const host = (value: string) => `GET /attack HTTP/1.1\r\nHost:${value}\r\n\r\n${SMUGGLED}`;
const absolute = (url: string, value = 'a.app.test') =>
  `GET ${url} HTTP/1.1\r\nHost: ${value}\r\n\r\n${SMUGGLED}`;

const attacks: Attack[] = [
  { name: 'no Host in HTTP/1.1', bytes: `GET /attack HTTP/1.1\r\n\r\n${SMUGGLED}` },
  { name: 'two', bytes: `GET / HTTP/1.1\r\nHost: a.app.test\r\nHost: b.app.test\r\n\r\n${SMUGGLED}` },
  { name: 'the same twice', bytes: `GET / HTTP/1.1\r\nHost: a.app.test\r\nhost: a.app.test\r\n\r\n` },
  { name: 'two, one of them empty', bytes: 'GET / HTTP/1.1\r\nHost: a.app.test\r\nHost:\r\n\r\n' },
  { name: 'two in HTTP/1.0', bytes: 'GET / HTTP/1.0\r\nHost: a.app.test\r\nHost: b.app.test\r\n\r\n' },
  { name: 'empty', bytes: host('') },
  { name: 'blank', bytes: host('   ') },
  { name: 'a user', bytes: host(' user@a.app.test') },
  { name: 'a user and a password', bytes: host(' user:pw@a.app.test') },
  { name: 'a space inside', bytes: host(' a.app.test b.app.test') },
  { name: 'a tab inside', bytes: host(' a.app.test\tb') },
  { name: 'a comma', bytes: host(' a.app.test,b.app.test') },
  { name: 'a slash', bytes: host(' a.app.test/b') },
  { name: 'a backslash', bytes: host(' a.app.test\\b') },
  { name: 'a query', bytes: host(' a.app.test?b') },
  { name: 'a fragment', bytes: host(' a.app.test#b') },
  { name: 'a semicolon', bytes: host(' a.app.test;b') },
  { name: 'quotes', bytes: host(' "a.app.test"') },
  { name: 'a percent sign', bytes: host(' a%2eapp.test') },
  { name: 'a scheme', bytes: host(' http://a.app.test') },
  { name: 'two ports', bytes: host(' a.app.test:80:80') },
  { name: 'a port that is none', bytes: host(' a.app.test:http') },
  { name: 'a negative port', bytes: host(' a.app.test:-1') },
  { name: 'a port of six digits', bytes: host(' a.app.test:123456') },
  { name: 'only a port', bytes: host(' :80') },
  { name: 'only a dot', bytes: host(' .') },
  { name: 'an empty label', bytes: host(' a..app.test') },
  { name: 'a leading dot', bytes: host(' .a.app.test') },
  { name: 'two trailing dots', bytes: host(' a.app.test..') },
  { name: 'an open bracket', bytes: host(' [::1') },
  { name: 'brackets around a name', bytes: host(' [a.app.test]') },
  { name: 'an IPv6 address without brackets', bytes: host(' ::1') },
  { name: 'a zone', bytes: host(' [fe80::1%25eth0]') },
  { name: 'letters beyond ASCII', bytes: host(' \xe4.app.test') },
  { name: 'a name of 300 characters', bytes: host(` ${'a'.repeat(300)}.test`) },
  { name: 'a wild card', bytes: host(' *.app.test') },
  { name: 'a template', bytes: host(` $${'{a}'}.app.test`) },
  { name: 'absolute form with another host', bytes: absolute('http://b.app.test/attack') },
  { name: 'absolute form with another port', bytes: absolute('http://a.app.test:81/attack') },
  { name: 'absolute form with a user', bytes: absolute('http://user@a.app.test/attack') },
  { name: 'absolute form without Host', bytes: 'GET http://a.app.test/ HTTP/1.1\r\n\r\n' },
  { name: 'absolute form with an empty Host', bytes: absolute('http://a.app.test/attack', '') },
  { name: 'absolute form without host', bytes: absolute('http:///attack') },
  { name: 'absolute form of another scheme', bytes: absolute('ftp://a.app.test/attack') },
  { name: 'absolute form without slashes', bytes: absolute('http:a.app.test/attack') },
  { name: 'absolute form with a fragment', bytes: absolute('http://a.app.test/attack#x') },
  { name: 'absolute form with a backslash host', bytes: absolute('http://a.app.test\\@b.app.test/') },
  { name: 'a file URL', bytes: absolute('file:///etc/passwd') },
  { name: 'javascript', bytes: absolute('javascript:alert(1)') },
  { name: 'authority form for a GET', bytes: absolute('a.app.test:80') },
];

refuses(test, bench, attacks);
