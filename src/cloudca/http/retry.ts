// When a read is retried: after which responses and errors, how often, how soon, and within which budget of the process.
import { CircuitOpenError, UnavailableError } from '../errors.js';
import { isServiceFailure } from './response-meanings.js';
import type { RestResponse } from './rest-response.js';

/** The default number of retries of a read. */
export const defaultMaxRetries = 2;

/** Reports whether a retry may get another response: after 429, 502 to 504, and 520 to 530. */
export function isTransientResponse({ status }: RestResponse): boolean {
  return status === 429 || isServiceFailure(status);
}

/** Reports whether a retry may succeed after an error: if there was no connection, or it was lost. */
export function isTransientError(error: unknown): boolean {
  return error instanceof UnavailableError && !(error instanceof CircuitOpenError);
}

/** Returns an exponential backoff with jitter, in milliseconds: 50 to 100 before the first retry, twice that before the second. */
export function toBackoff(attempt: number): number {
  return (50 * 2 ** attempt * (1 + Math.random())) / 2;
}

/**
 * Limits retries in proportion to reads: in an outage, unbounded retries make it worse for every caller. Each read earns a tenth of a
 * retry, so one read in ten may be retried in the long run. Writes earn nothing and are not retried.
 */
export class RetryBudget {
  static readonly #earnedPerRead = 0.1;
  readonly #max: number;
  #balance: number;

  /** Starts full. Saves up to `max` retries while reads succeed, so that one lost connection stays invisible to its caller. */
  constructor(max = 10) {
    this.#max = max;
    this.#balance = max;
  }

  /** Credits one read. Its retries earn nothing. */
  earn(): void {
    this.#balance = Math.min(this.#max, this.#balance + RetryBudget.#earnedPerRead);
  }

  /** Takes one retry out of the budget. Returns false if none is left. */
  spend(): boolean {
    if (this.#balance < 1) return false;
    this.#balance--;
    return true;
  }
}
