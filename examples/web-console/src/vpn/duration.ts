// Seconds in words.

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** A lifetime as a person says it, with the seconds that the other end's settings want; undefined where there is none. */
export function toDuration(seconds: number | null | undefined): string | undefined {
  if (seconds === null || seconds === undefined) return undefined;
  const inSeconds = `${seconds.toLocaleString('en')} s`;
  const fit = units.find(([, length]) => seconds >= length && seconds % length === 0);
  if (!fit) return inSeconds;
  const [unit, length] = fit;
  const count = seconds / length;
  return `${count.toLocaleString('en')} ${unit}${count === 1 ? '' : 's'} (${inSeconds})`;
}
