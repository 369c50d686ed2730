// The few numbers that are made of many.

/** The value below which the given share of values lies; NaN where there are none. The values must be in order. */
export function percentile(ordered: readonly number[], share: number): number {
  return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))] ?? NaN;
}

/** The middle value; of two middle ones, the mean. NaN where there are none. */
export function median(values: readonly number[]): number {
  const ordered = values.toSorted((a, b) => a - b);
  const middle = ordered.length >> 1;
  const [low = NaN, high = NaN] = [ordered[ordered.length % 2 === 0 ? middle - 1 : middle], ordered[middle]];
  return (low + high) / 2;
}
