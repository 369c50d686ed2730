// Formats durations.

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/**
 * Formats a lifetime given in seconds, e.g. `1 day (86,400 s)`. The seconds are included because the remote end is configured in
 * seconds. Returns undefined if there is none.
 */
export function toDuration(seconds: number | null | undefined): string | undefined {
  if (seconds === null || seconds === undefined) return undefined;
  const inSeconds = `${seconds.toLocaleString('en')} s`;
  const match = units.find(([, length]) => seconds >= length && seconds % length === 0);
  if (!match) return inSeconds;
  const [unit, length] = match;
  const count = seconds / length;
  return `${count.toLocaleString('en')} ${unit}${count === 1 ? '' : 's'} (${inSeconds})`;
}
