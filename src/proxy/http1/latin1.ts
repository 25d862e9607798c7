/** A Buffer as the runtime has it: `toString` has to look up by a name what it calls then. */
interface Sliceable {
  latin1Slice?(this: Buffer, start: number, end: number): string;
}

const { latin1Slice } = Buffer.prototype as Sliceable;

/** The bytes from `start` to `end` as a string, one character for each. */
export function latin1(buffer: Buffer, start: number, end: number): string {
  return latin1Slice === undefined
    ? buffer.toString('latin1', start, end)
    : latin1Slice.call(buffer, start, end);
}
