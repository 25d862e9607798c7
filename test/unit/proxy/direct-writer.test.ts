import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { dial } from '../../../src/proxy/dial.js';
import { type DirectWriter, directWriter } from '../../../src/proxy/direct-writer.js';
import { socketOptions } from '../../../src/proxy/socket-options.js';
import { Wire } from '../../../src/proxy/wire.js';
import { eventually } from '../../helpers/raw-http.js';

async function pair(t: ExecutionContext): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const ours = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [theirs] = (await once(server, 'connection')) as [Socket];
  t.teardown(() => ours.destroy());
  t.teardown(() => theirs.destroy());
  if (ours.connecting) await once(ours, 'connect');
  return { ours, theirs };
}

function writerFor(t: ExecutionContext, socket: Socket, onTaken: (status: number) => void): DirectWriter {
  const writer = directWriter(socket, onTaken);
  if (writer === undefined) throw t.fail('this runtime has what direct writes need');
  return writer;
}

test('what is written directly and through the stream arrives in the order of the calls, however slow the reader', async (t) => {
  const { ours, theirs } = await pair(t);
  let taken = 0;
  const writer = writerFor(t, ours, () => {
    taken += 1;
  });
  const sent: string[] = [];
  let waited = false;
  for (let i = 0; i < 600; i += 1) {
    const text = `${i}:${'x'.repeat(i * 40)};`;
    sent.push(text);
    if (i % 7 === 3) ours.write(text, 'latin1');
    else if (i % 5 === 1) {
      const chunks = [text.slice(0, 3), Buffer.from(text.slice(3), 'latin1')];
      if (!writer.writeAll(chunks)) ours.write(text, 'latin1');
    } else if (!writer.writeText(text)) ours.write(text, 'latin1');
    waited ||= writer.pending > 0;
  }
  t.true(waited, 'more than the system takes at once');
  ours.end();
  let got = '';
  theirs.setEncoding('latin1').on('data', (text: string) => {
    got += text;
  });
  await once(theirs, 'end');
  t.true(got === sent.join(''));
  await eventually(() => writer.pending === 0 && taken > 0, 'the end of the writes');
});

test('nothing goes past what the stream holds back', async (t) => {
  const { ours, theirs } = await pair(t);
  const writer = writerFor(t, ours, () => {});
  ours.cork();
  ours.write('first ');
  t.false(writer.writeText('second'));
  ours.write('second');
  ours.uncork();
  t.true(writer.writeText(' third'));
  ours.end();
  const parts = await theirs.setEncoding('latin1').toArray();
  t.is(parts.join(''), 'first second third');
});

for (const to of ['a client', 'an app'] as const) {
  test(`a write to ${to} that waits and then fails, while nothing is read`, async (t) => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    let error: Error | undefined;
    let [drained, closed] = [0, false];
    const wire = new Wire({
      received() {},
      ended() {},
      drained() {
        drained += 1;
      },
      closed(why) {
        closed = true;
        error = why;
      },
    });
    let socket: Socket;
    if (to === 'an app') socket = dial({ host: '127.0.0.1', port }, wire, true);
    else {
      socket = new Socket(socketOptions(wire.onread));
      wire.attach(socket, true);
      socket.connect(port, '127.0.0.1');
    }
    t.teardown(() => wire.destroy());
    const [theirs] = (await once(server, 'connection')) as [Socket];
    if (socket.connecting) await once(socket, 'connect');
    wire.pause();
    const most = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < 12; i += 1) wire.writeWith('', wire, most, 0, most.length, '');
    t.true(wire.congested);
    theirs.resetAndDestroy();
    await eventually(() => closed || drained > 0, 'the failure');
    if (to === 'an app')
      t.deepEqual([drained, closed], [1, false], 'what it has answered is still to be read');
    else t.regex(error?.message ?? '', /E(PIPE|CONNRESET)/);
  });
}

test('a connection that is ended or gone takes nothing', async (t) => {
  const { ours } = await pair(t);
  const writer = writerFor(t, ours, () => {});
  ours.destroy();
  t.false(writer.writeText('x'));
  t.false(writer.writeAll([Buffer.from('x')]));
});
