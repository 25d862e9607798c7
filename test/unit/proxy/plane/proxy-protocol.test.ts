import test from 'ava';
import fc from 'fast-check';
import { type ProxyHeader, readProxyHeader } from '../../../../src/proxy/plane/proxy-protocol.js';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

function v2(command: number, family: number, block: Buffer, size = block.length): Buffer {
  const fixed = Buffer.alloc(4);
  fixed.writeUInt8(command, 0);
  fixed.writeUInt8(family, 1);
  fixed.writeUInt16BE(size, 2);
  return Buffer.concat([SIGNATURE, fixed, block]);
}

const TCP4 = Buffer.from('c0000201c633640aabcd01bb', 'hex');
const TCP6 = Buffer.from(`20010db8${'00'.repeat(11)}0120010db8${'00'.repeat(11)}02abcd01bb`, 'hex');
const MAPPED = Buffer.from(`${'00'.repeat(10)}ffffc0000201${'00'.repeat(16)}abcd01bb`, 'hex');

const GOOD: [string, Buffer, { address: string; port: number } | undefined][] = [
  [
    'v1, IPv4',
    Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.10 43981 443\r\n'),
    { address: '192.0.2.1', port: 43981 },
  ],
  [
    'v1, IPv6',
    Buffer.from('PROXY TCP6 2001:db8::1 2001:db8::2 1 443\r\n'),
    { address: '2001:db8::1', port: 1 },
  ],
  ['v1, unknown', Buffer.from('PROXY UNKNOWN\r\n'), undefined],
  ['v1, unknown with more', Buffer.from('PROXY UNKNOWN ffff::1 what ever\r\n'), undefined],
  [
    'v1, port 0',
    Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.10 0 65535\r\n'),
    { address: '192.0.2.1', port: 0 },
  ],
  ['v2, IPv4', v2(0x21, 0x11, TCP4), { address: '192.0.2.1', port: 43981 }],
  [
    'v2, IPv4 with extensions',
    v2(0x21, 0x11, Buffer.concat([TCP4, Buffer.from('0400021234', 'hex')])),
    { address: '192.0.2.1', port: 43981 },
  ],
  ['v2, IPv6', v2(0x21, 0x21, TCP6), { address: '2001:db8::1', port: 43981 }],
  ['v2, mapped IPv4', v2(0x21, 0x21, MAPPED), { address: '192.0.2.1', port: 43981 }],
  ['v2, local', v2(0x20, 0x00, Buffer.alloc(0)), undefined],
  ['v2, local with addresses', v2(0x20, 0x11, TCP4), undefined],
  ['v2, unspecified', v2(0x21, 0x00, Buffer.alloc(7)), undefined],
  ['v2, Unix', v2(0x21, 0x31, Buffer.alloc(216)), undefined],
];

for (const [what, bytes, source] of GOOD) {
  test(`read: ${what}`, (t) => {
    const expected: ProxyHeader = { kind: 'header', length: bytes.length, source };
    t.deepEqual(readProxyHeader(bytes), expected);
    t.deepEqual(readProxyHeader(Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n')])), expected);
    for (let cut = 0; cut < bytes.length; cut += 1)
      t.deepEqual(readProxyHeader(bytes.subarray(0, cut)), { kind: 'more' }, `cut at ${cut}`);
  });
}

const line = (text: string) => Buffer.from(`${text}\r\n`, 'latin1');
const BAD: [string, Buffer][] = [
  ['a request', Buffer.from('GET / HTTP/1.1\r\n')],
  ['TLS', Buffer.from('16030100', 'hex')],
  ['lower case', line('proxy TCP4 192.0.2.1 198.51.100.10 1 2')],
  ['an unknown family', line('PROXY UDP4 192.0.2.1 198.51.100.10 1 2')],
  ['no addresses', line('PROXY TCP4')],
  ['IPv6 in TCP4', line('PROXY TCP4 ::1 198.51.100.10 1 2')],
  ['IPv4 in TCP6', line('PROXY TCP6 192.0.2.1 ::1 1 2')],
  ['an octet too large', line('PROXY TCP4 192.0.2.256 198.51.100.10 1 2')],
  ['a zone', line('PROXY TCP6 fe80::1%eth0 ::1 1 2')],
  ['two spaces', line('PROXY  TCP4 192.0.2.1 198.51.100.10 1 2')],
  ['more fields', line('PROXY TCP4 192.0.2.1 198.51.100.10 1 2 3')],
  ['a port too large', line('PROXY TCP4 192.0.2.1 198.51.100.10 65536 2')],
  ['a leading zero', line('PROXY TCP4 192.0.2.1 198.51.100.10 01 2')],
  ['a signed port', line('PROXY TCP4 192.0.2.1 198.51.100.10 +1 2')],
  ['a bare line feed', Buffer.from(`PROXY TCP4 192.0.2.1 198.51.100.10 1 2\n${'x'.repeat(107)}\r\n`)],
  ['a line without end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100)}`)],
  ['version 1 in binary', v2(0x11, 0x11, TCP4)],
  ['an unknown command', v2(0x22, 0x11, TCP4)],
  ['UDP', v2(0x21, 0x12, TCP4)],
  ['a short IPv4 block', v2(0x21, 0x11, TCP4.subarray(0, 11))],
  ['a short IPv6 block', v2(0x21, 0x21, TCP6.subarray(0, 35))],
  ['a short Unix block', v2(0x21, 0x31, Buffer.alloc(215))],
  // Attack stopped: 64 KiB kept for each of many connections.
  ['a huge header', v2(0x21, 0x11, TCP4, 65_535)],
];

for (const [what, bytes] of BAD) {
  test(`refused: ${what}`, (t) => t.is(readProxyHeader(bytes).kind, 'bad'));
}

test('any bytes: an answer, and never "more" beyond the longest header', (t) => {
  const start = fc.constantFrom(Buffer.alloc(0), Buffer.from('PROXY TCP4 '), SIGNATURE, v2(0x21, 0x11, TCP4));
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 3000 }), (head, tail) => {
      const bytes = Buffer.concat([head, tail]);
      const read = readProxyHeader(bytes);
      if (read.kind === 'header') return read.length <= bytes.length;
      return read.kind === 'bad' || bytes.length < 2048;
    }),
  );
  t.pass();
});
