// How often the random tests run.

/** Returns the number of runs of a property: the environment variable RELIABILITY_RUNS, or the default. */
export function toRunCount(defaultRuns: number): number {
  return Number(process.env['RELIABILITY_RUNS'] ?? defaultRuns);
}
