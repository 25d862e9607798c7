import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { ExecutionContext } from 'ava';

/**
 * A port of 127.0.0.1 where nobody listens, nor will until the test is over: it is the near end of a connection, which the system gives to
 * nobody else. One that was only closed could be the next one that another test listens on.
 */
export async function closedPort(t: ExecutionContext): Promise<number> {
  const server = createServer();
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  server.on('connection', (other) => t.teardown(() => other.destroy()));
  await once(socket, 'connect');
  return socket.localPort ?? 0;
}
