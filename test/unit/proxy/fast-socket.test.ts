import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test from 'ava';
import { withFastReads } from '../../../src/proxy/fast-socket.js';
import { Wire } from '../../../src/proxy/wire.js';

test('this runtime has what fast reads need; the server forgets the socket that they replace', async (t) => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.teardown(() => client.destroy());
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const buffers = new Set<Buffer>();
  let text = '';
  const closed = new Promise<void>((done) => {
    const wire = new Wire({
      received(buffer, start, end) {
        buffers.add(buffer);
        text += buffer.toString('latin1', start, end);
        wire.write('got ');
        client.write(text.length < 4 ? 'x' : '');
        if (text.length >= 4) client.end();
      },
      ended: () => wire.stream.end(),
      drained() {},
      closed: () => done(),
    });
    const socket = withFastReads(accepted, wire);
    t.truthy(socket);
    if (socket !== undefined) wire.attach(socket, true);
  });
  client.resume().write('x');
  await closed;
  t.is(text, 'xxxx');
  t.is(buffers.size, 1, 'one buffer for all reads');
  const connections = await new Promise((done) => server.getConnections((_error, count) => done(count)));
  t.is(connections, 0);
});
