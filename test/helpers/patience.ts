/** A bound for waiting, in ms: longer in the emulated machine of test/vm, where everything takes ten times as long. */
export function patience(ms: number): number {
  return process.env.TENEMENT_MACHINE === undefined ? ms : ms * 6;
}
