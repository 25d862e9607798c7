/** One line of `ten doctor`. */
export interface Check {
  readonly name: string;
  /** `warn`: works, with less than one may expect. `fail`: the server will not work, or not safely. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do about it; always there unless `ok`. */
  readonly remedy?: string;
}

export function ok(name: string, found: string): Check {
  return { name, status: 'ok', found };
}

export function warn(name: string, found: string, remedy: string): Check {
  return { name, status: 'warn', found, remedy };
}

export function fail(name: string, found: string, remedy: string): Check {
  return { name, status: 'fail', found, remedy };
}
