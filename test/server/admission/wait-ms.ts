// How long a budget makes its caller wait.
import type { Budget } from '../../../src/server/admission/rate-limit.js';

/** Returns 0 if the budget sufficed for the charge, else the milliseconds until its window ends. */
export function toWaitMs({ left, resetMs }: Budget): number {
  return left < 0 ? resetMs : 0;
}
