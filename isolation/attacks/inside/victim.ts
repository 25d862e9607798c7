// A customer's app beside the attacker: it has a secret in its environment, listens on TCP and answers datagrams.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';

const port = Number(process.env.PORT);
const server = createServer((_, res) => res.end('here'));
const socket = createSocket({ type: 'udp4' }, (_, from) => socket.send('here', from.port, from.address));
socket.bind(port, '127.0.0.1', () => {
  server.listen(port, '127.0.0.1', () => process.stdout.write('listening\n'));
});
