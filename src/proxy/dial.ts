import { Socket } from 'node:net';
import { errnoOf } from '../base/errors.js';
import { connectReal } from '../base/real-socket.js';
import { socketOptions } from './socket-options.js';
import type { UpstreamAddress } from './upstreams.js';
import type { Wire } from './wire.js';

/**
 * A connection to an app that survives a failed write. An app may answer (413, 401) and close without reading the whole body; the
 * next write then fails, and an ordinary net.Socket would throw away the answer that already waits in the receive buffer.
 * Reading goes on here, and its end or error decides.
 */
class PatientSocket extends Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    super._write(chunk, encoding, (error) => done(isGone(error) ? null : error));
  }

  override _writev(
    chunks: { chunk: unknown; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    super._writev?.(chunks, (error) => done(isGone(error) ? null : error));
  }
}

function isGone(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'EPIPE' || code === 'ECONNRESET';
}

/** Begins to connect; the wire reads from it. `fast`: by `onread`. Each direction ends by itself. */
export function dial(address: UpstreamAddress, wire: Wire, fast: boolean): Socket {
  const socket = new PatientSocket(socketOptions(fast ? wire.onread : undefined));
  wire.patient = true;
  wire.attach(socket, fast);
  socket.setNoDelay(true);
  const wrong = connectReal(address, (target) => {
    socket.connect('path' in target ? { path: target.path } : { host: target.host, port: target.port });
  });
  if (wrong !== undefined) socket.destroy(wrong);
  wire.opened();
  return socket;
}
