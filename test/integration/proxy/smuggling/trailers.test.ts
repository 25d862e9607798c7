import test from 'ava';
import { type Attack, chunks, refuses } from '../../../helpers/attacks.js';
import { proxyBench } from '../../../helpers/proxy-bench.js';

// Attack: a trailer that an app merges into its header changes what the request means after the proxy has looked at it; and bad lines hide there.

const bench = proxyBench(test);

const trailer = (name: string, lines: string): Attack => ({
  name,
  bytes: chunks(`5\r\nhello\r\n0\r\n${lines}\r\n`),
  headPasses: true,
});

const attacks: Attack[] = [
  trailer('no colon', 'X-A\r\n'),
  trailer('an empty name', ': 1\r\n'),
  trailer('a space before the colon', 'X-A : 1\r\n'),
  trailer('a space inside the name', 'X A: 1\r\n'),
  trailer('a folded line', 'X-A: 1\r\n more\r\n'),
  trailer('a first line with white space', ' X-A: 1\r\n'),
  trailer('a NUL', 'X-A: a\x00b\r\n'),
  trailer('a control byte', 'X-A: a\x01b\r\n'),
  trailer('a request line', 'GET /smuggled HTTP/1.1\r\n'),
  trailer('100 KiB in one', `X-A: ${'a'.repeat(102_400)}\r\n`),
  trailer('100 KiB in many', 'X-A: a\r\n'.repeat(13_000)),
].map((attack) => (attack.name.startsWith('100 KiB') ? { ...attack, statuses: [400, 431] } : attack));

refuses(test, bench, attacks);
