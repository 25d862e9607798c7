/** Asked for by `--quick` of test/vm/run.ts: what one backend shows is not repeated for those that show the same. */
export const quick = Boolean(process.env.TENEMENT_QUICK);
