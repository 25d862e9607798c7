import type { OnReadOpts, SocketConstructorOpts } from 'node:net';

interface Options extends SocketConstructorOpts {
  /** Documented for net.connect, which hands it to the constructor; its types have it there only. */
  onread?: Pick<OnReadOpts, 'callback'> & { readonly buffer: () => Uint8Array };
  /** Of an accepted connection. */
  handle?: unknown;
}

/** For a socket each of whose directions ends by itself; with `onread` it reads into buffers of ours. */
export function socketOptions(
  onread: Options['onread'] | undefined,
  handle?: unknown,
): SocketConstructorOpts {
  const options: Options = { allowHalfOpen: true, readable: true, writable: true };
  if (onread !== undefined) options.onread = onread;
  if (handle !== undefined) options.handle = handle;
  return options;
}
