import test from 'ava';
import { isAlive, parseStat } from '../../../isolation/proc.js';

const rest = '50 100 100 0 -1 4194560 1 0 0 0 7 5 0 0 20 0 1 0 168983 1000 321 18446744073709551615 1';

test('the fields of /proc/PID/stat', (t) => {
  t.deepEqual(parseStat(`123 (node) S ${rest}`), {
    pid: 123,
    state: 'S',
    ppid: 50,
    pgrp: 100,
    session: 100,
    cpuTicks: 12,
    startTime: '168983',
    residentPages: 321,
  });
});

test('a name that looks like fields does not shift them', (t) => {
  t.is(parseStat(`123 (a) S 1 (b) R 9) S ${rest}`)?.ppid, 50);
  t.is(parseStat(`123 (two\nlines) S ${rest}`)?.startTime, '168983');
});

test('what is not a stat line is nothing', (t) => {
  t.is(parseStat(''), undefined);
  t.is(parseStat('123 (node) S 1 2'), undefined);
});

test('a zombie has ended', (t) => {
  t.true(isAlive(parseStat(`123 (node) D ${rest}`)));
  t.false(isAlive(parseStat(`123 (node) Z ${rest}`)));
  t.false(isAlive(undefined));
});
