/**
 * What the runtime has inside of a socket. No public option lets a program read and write without a stream, so everything that is
 * used of it is looked at first, and where something is missing the stream does the work.
 */

/** The system's side of a connected socket. */
export interface Handle {
  /** Called for each read with what `read` has left in the state; returns a buffer for the next read unless it is the same. */
  onread: ((data: ArrayBuffer | undefined) => Uint8Array | undefined) | null;
  writeLatin1String(request: WriteRequest, text: string): number;
  writeBuffer(request: WriteRequest, bytes: Buffer): number;
  writev(request: WriteRequest, chunks: readonly (string | Buffer)[], allBuffers: boolean): number;
}

/** What the runtime keeps of a write that the system did not take at once. */
export interface WriteRequest {
  oncomplete?: (status: number) => void;
  /** Kept from being collected as long as the write lasts. */
  chunks?: readonly (string | Buffer)[];
}

export interface Inside {
  readonly WriteWrap: new () => WriteRequest;
  /** How the last read or write went, at the places below. */
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kBytesWritten: number;
  readonly kLastWriteWasAsync: number;
}

/** Undefined where the runtime is another one. */
export const inside = findInside();

/** Undefined before it is connected, and when it is destroyed. */
export function handleOf(socket: object): Handle | undefined {
  return (socket as { readonly _handle?: Handle | null })._handle ?? undefined;
}

function findInside(): Inside | undefined {
  const { binding } = process as unknown as { binding?: (name: string) => Partial<Inside> };
  try {
    const found = binding?.('stream_wrap');
    const { WriteWrap, streamBaseState, kReadBytesOrError, kBytesWritten, kLastWriteWasAsync } = found ?? {};
    const places = [kReadBytesOrError, kBytesWritten, kLastWriteWasAsync];
    const known = typeof WriteWrap === 'function' && streamBaseState instanceof Int32Array;
    return known && places.every(Number.isInteger) ? (found as Inside) : undefined;
  } catch {
    return undefined;
  }
}
