import test from 'ava';
import { type Attack, post, refuses, SMUGGLED } from '../../../helpers/attacks.js';
import { HOST, proxyBench } from '../../../helpers/proxy-bench.js';

// Attack (TE.TE): a coding that one program takes for chunked and the next does not.

const bench = proxyBench(test);
const BODY = '5\r\nhello\r\n0\r\n\r\n';
const statuses = [400, 501];
const coding = (value: string) => post(`Transfer-Encoding:${value}\r\n`, BODY);

const attacks: Attack[] = [
  { name: 'xchunked', bytes: coding(' xchunked'), statuses },
  { name: 'chunkedx', bytes: coding(' chunkedx'), statuses },
  { name: 'chunke', bytes: coding(' chunke'), statuses },
  { name: 'identity', bytes: coding(' identity'), statuses },
  { name: 'gzip', bytes: coding(' gzip'), statuses },
  { name: 'gzip, chunked, which the app was not asked about', bytes: coding(' gzip, chunked'), statuses },
  { name: 'chunked, identity', bytes: coding(' chunked, identity'), statuses },
  { name: 'identity, chunked', bytes: coding(' identity, chunked'), statuses },
  { name: 'chunked, gzip', bytes: coding(' chunked, gzip'), statuses },
  { name: 'chunked, chunked', bytes: coding(' chunked, chunked'), statuses },
  { name: 'an empty element behind it', bytes: coding(' chunked,'), statuses },
  { name: 'an empty element before it', bytes: coding(' , chunked'), statuses },
  { name: 'a parameter', bytes: coding(' chunked;q=1'), statuses },
  { name: 'a semicolon', bytes: coding(' chunked;'), statuses },
  { name: 'quotes', bytes: coding(' "chunked"'), statuses },
  { name: 'single quotes', bytes: coding(" 'chunked'"), statuses },
  { name: 'a colon too many', bytes: coding(' :chunked'), statuses },
  { name: 'a comment', bytes: coding(' chunked (really)'), statuses },
  { name: 'two words', bytes: coding(' not chunked'), statuses },
  { name: 'empty', bytes: coding(''), statuses },
  { name: 'a vertical tab before it', bytes: coding(' \x0bchunked'), statuses },
  { name: 'a vertical tab behind it', bytes: coding(' chunked\x0b'), statuses },
  { name: 'a NUL behind it', bytes: coding(' chunked\x00'), statuses },
  { name: 'a no-break space before it', bytes: coding(' \xa0chunked'), statuses },
  { name: 'a long s, which some lower-case tables fold', bytes: coding(' chun\xe2\x84\xaaed'), statuses },
  // A tab is optional white space by the grammar: chunked it is, or nothing.
  { name: 'a tab before it', bytes: coding('\tchunked'), statuses, orBody: 'hello' },
  { name: 'a tab behind it', bytes: coding(' chunked\t'), statuses, orBody: 'hello' },
  {
    name: 'two fields',
    bytes: post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', BODY),
    statuses,
  },
  {
    name: 'two fields, the second none',
    bytes: post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', BODY),
    statuses,
  },
  {
    name: 'two fields, the first none',
    bytes: post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', BODY),
    statuses,
  },
  {
    name: 'two fields, the second in other case',
    bytes: post('Transfer-Encoding: chunked\r\ntransfer-encoding: x\r\n', BODY),
    statuses,
  },
  {
    name: 'HTTP/1.0, which has no codings',
    bytes: `POST /attack HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${BODY}${SMUGGLED}`,
    statuses,
  },
  {
    name: 'HTTP/1.0 that wants to be kept',
    bytes: `POST /attack HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}${SMUGGLED}`,
    statuses,
  },
  {
    name: 'a field that only looks like it',
    bytes: post('Transfer_Encoding: chunked\r\nTransfer-Encoding : chunked\r\n', BODY),
    statuses,
  },
];

refuses(test, bench, attacks);
