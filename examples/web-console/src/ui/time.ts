// Formats times of day.

const format = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/** Formats the time of day in the user's time zone, e.g. `14:02:11`. */
export function toTime(date: Date): string {
  return format.format(date);
}
