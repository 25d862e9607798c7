import test from 'ava';
import { type Attack, get, refuses } from '../../../helpers/attacks.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: a NUL ends a string in C programs, other control bytes become line ends or blanks; and they rewrite terminals that show a log.

const bench = proxyBench(test);

const target = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.app.test\r\n\r\n`;

const attacks: Attack[] = [
  ...[0x00, 0x01, 0x07, 0x08, 0x0b, 0x0c, 0x0e, 0x1b, 0x1f, 0x7f].flatMap((code): Attack[] => {
    const char = String.fromCharCode(code);
    const shown = `0x${code.toString(16).padStart(2, '0')}`;
    return [
      { name: `${shown} in a value`, bytes: get(`X-A: a${char}b\r\n`) },
      { name: `${shown} in a name`, bytes: get(`X${char}A: 1\r\n`) },
      { name: `${shown} in the target`, bytes: target(`/a${char}b`) },
      { name: `${shown} in the method`, bytes: target('/attack').replace('GET', `G${char}ET`) },
      { name: `${shown} in Host`, bytes: `GET / HTTP/1.1\r\nHost: a.app.test${char}\r\n\r\n` },
    ];
  }),
  { name: 'NUL as a whole value', bytes: get('X-A: \x00\r\n') },
  { name: 'NUL at the end of a value', bytes: get('X-A: a\x00\r\n') },
  { name: 'NUL before the request', bytes: `\x00${get('')}` },
  { name: 'a tab in the target', bytes: target('/a\tb') },
  { name: 'a tab in a name', bytes: get('X\tA: 1\r\n') },
  { name: 'a control byte that the target hides behind a query', bytes: target('/?a=\x01') },
];

refuses(test, bench, attacks);
