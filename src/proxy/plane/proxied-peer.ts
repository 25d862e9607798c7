import type { Socket } from 'node:net';
import { readProxyHeader } from './proxy-protocol.js';

export interface Peer {
  readonly address: string;
  readonly port: number;
}

/**
 * Reads the PROXY header of a connection from a trusted proxy, and leaves what follows it unread in the socket. Resolves with the
 * proxy's client, with undefined when the proxy speaks for itself, or rejects when there is no proper header in time. The socket is paused afterwards.
 */
export function readProxiedPeer(socket: Socket, timeoutMs: number): Promise<Peer | undefined> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const finish = (act: () => void) => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose).pause();
      act();
    };
    const onData = (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const header = readProxyHeader(received);
      if (header.kind === 'bad') finish(() => reject(new Error(header.why)));
      if (header.kind !== 'header') return;
      finish(() => {
        if (received.length > header.length) socket.unshift(received.subarray(header.length));
        resolve(header.source);
      });
    };
    const onClose = () => finish(() => reject(new Error('the connection ended before the PROXY header')));
    const timer = setTimeout(
      () => finish(() => reject(new Error('the PROXY header did not come in time'))),
      timeoutMs,
    );
    socket.on('data', onData).once('close', onClose).resume();
  });
}
