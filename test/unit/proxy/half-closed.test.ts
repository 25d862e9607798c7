import test from 'ava';
import { HalfClosed } from '../../../src/proxy/half-closed.js';
import { FakeClock } from '../../helpers/fake-clock.js';

function begin(minor: 0 | 1) {
  const clock = new FakeClock();
  const wire = {
    written: 0,
    destroyed: false,
    write: () => {
      wire.written += 1;
    },
    destroy: () => {
      wire.destroyed = true;
    },
  };
  const exchange = { head: { minor }, waiting: true, answerBegun: false, bytesWritten: 0 };
  const half = new HalfClosed(wire, 0, 0, clock);
  half.waits(exchange);
  return { clock, wire, exchange, half };
}

test('one that waits for its instance is asked after 20 ms and 70 ms, and no more', (t) => {
  const { clock, wire, exchange, half } = begin(1);
  clock.advance(19);
  t.is(wire.written, 0);
  clock.advance(1);
  t.is(wire.written, 1);
  clock.advance(50);
  t.is(wire.written, 2);
  half.waits(exchange);
  clock.advance(1000);
  t.is(wire.written, 2);
  t.false(wire.destroyed);
});

test('an answer within 20 ms, or a connection that closes, ends the asking', (t) => {
  const leased = begin(1);
  leased.exchange.waiting = false;
  const closed = begin(1);
  closed.half.stop();
  for (const { clock, wire } of [leased, closed]) {
    clock.advance(1000);
    t.is(wire.written, 0);
    t.is(clock.pending, 0);
  }
});

test('HTTP/1.0 can not be asked: one that still waits after 70 ms has left', (t) => {
  const { clock, wire } = begin(0);
  clock.advance(69);
  t.false(wire.destroyed);
  clock.advance(1);
  t.true(wire.destroyed);
  t.is(wire.written, 0);
});

test('once the request was forwarded it is asked after a second', (t) => {
  const { wire, exchange, half } = begin(1);
  exchange.waiting = false;
  half.sweep(exchange, 900);
  t.is(wire.written, 0);
  for (const now of [1000, 1500, 2000]) half.sweep(exchange, now);
  t.is(wire.written, 2);
});

test('one that said nothing and gets nothing of a begun answer is gone; one that was asked is not', (t) => {
  const silent = begin(1);
  silent.exchange.waiting = false;
  const asked = begin(1);
  asked.clock.advance(70);
  for (const { exchange, half } of [silent, asked]) {
    exchange.answerBegun = true;
    half.sweep(exchange, 2001);
  }
  t.true(silent.wire.destroyed);
  t.false(asked.wire.destroyed);
});
