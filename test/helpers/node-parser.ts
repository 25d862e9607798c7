import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';

/** What Node's own parser (llhttp) makes of a request's head. */
export interface NodeRequest {
  readonly method: string;
  readonly url: string;
  readonly version: string;
  /** Flat: name, value, name, value ... */
  readonly rawHeaders: readonly string[];
}

/** Gives the bytes to a server of node:http; undefined when it refuses them. */
export function parseWithNode(head: string): Promise<NodeRequest | undefined> {
  return new Promise((resolve) => {
    const server = createServer({ requireHostHeader: false, maxHeaderSize: 128 * 1024 });
    server.maxHeadersCount = 0;
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    const finish = (found: NodeRequest | undefined) => {
      resolve(found);
      stream.destroy();
      server.close();
    };
    const accept = ({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage) =>
      finish({ method, url, version: httpVersion, rawHeaders });
    for (const event of ['request', 'upgrade', 'checkContinue', 'checkExpectation', 'connect']) {
      server.on(event, accept);
    }
    server.on('clientError', () => finish(undefined));
    stream.on('error', () => {});
    server.emit('connection', stream);
    stream.push(Buffer.from(head, 'latin1'));
  });
}
