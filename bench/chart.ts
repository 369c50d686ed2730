// The chart of a run.
import type { Run } from './report.js';

/** The chart of the first work, as SVG. */
export function toChart(_run: Run): string {
  return '';
}
