/** The two sites that every proxy serves by their Host, named as tenement names instances. */
export const FILES_HOST = 'one.files.localhost';
export const SINK_HOST = 'one.sink.localhost';

/** Paths of FILES_HOST. */
export const SMALL = { path: '/small', bytes: 200 } as const;
export const MEDIUM = { path: '/medium', bytes: 64 * 1024 } as const;
/** For slow readers: nginx writes to disk what they don't take, so not more than that. */
export const READ_SLOWLY = { path: '/slow', bytes: 20e6 } as const;
export const LARGE = { path: '/large' } as const;

/** Ports of the servers behind all proxies. */
export interface UpstreamPorts {
  readonly files: number;
  readonly sink: number;
}
