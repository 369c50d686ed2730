// Judges requests of a poll that brought no value: whether they count as failures or end the poll, and when the next request follows.
import {
  CircuitOpenError,
  CloudcaError,
  ForbiddenError,
  NotFoundError,
  RateLimitedError,
  ShutdownError,
  UnauthenticatedError,
  UnavailableError,
} from '../errors.js';

/** A poll ends after this many counted failures without a value in between. */
export const maxFailures = 3;

/** How a poll goes on after a request without a value. */
export interface FailureVerdict {
  /** Whether the request counts as a failure. */
  readonly counts: boolean;
  /** Milliseconds until the next request. */
  readonly delayMs: number;
  /** Whether the REST API asked for that delay. It then holds for all polls of the key. */
  readonly isRequested: boolean;
}

// Longer delays are cut to this one: subscribers would miss every change, and no later response could correct the delay.
const maxRetryAfterMs = 5 * 60_000;

/**
 * Judges a failed request of a poll, except those that end it. All outcomes of a request:
 *
 * | outcome                                          | counts            | the poll then                                                |
 * | ------------------------------------------------ | ----------------- | ------------------------------------------------------------ |
 * | a value                                          | resets the count  | requests again after one interval                            |
 * | 429 or 503 with Retry-After                      | no                | waits so long, one interval to 5 min; the key's others too   |
 * | 429 or 503 without Retry-After                   | yes               | waits two intervals, then four                               |
 * | the circuit is open, or the gateway shuts down   | no                | requests again after one interval                            |
 * | no turn yet among the key's requests             | no                | waits for its turn                                           |
 * | any other CloudcaError, e.g. 500, a proxy's page | yes               | requests again after one interval                            |
 * | 404, and the poll has a value                    | no                | requests again after one interval, and ends if that is 404   |
 * | 404 without a value, 401, 403, a bug             | ends the poll     |                                                              |
 *
 * Retry-After says when the REST API will respond, so nothing has failed. Without it, the REST API may stay silent for ever, so subscribers
 * must learn of it. An open circuit or a shutdown says nothing of the resource, since no request was sent.
 *
 * `failures` is the number of failures that count so far, without this one.
 */
export function judgeFailure(error: unknown, intervalMs: number, failures: number): FailureVerdict {
  if (error instanceof CircuitOpenError || error instanceof ShutdownError) {
    return { counts: false, delayMs: intervalMs, isRequested: false };
  }
  if (!isBusy(error)) return { counts: true, delayMs: intervalMs, isRequested: false };
  if (error.retryAfter === undefined) {
    return { counts: true, delayMs: intervalMs * 2 ** (failures + 1), isRequested: false };
  }
  const delayMs = Math.max(intervalMs, Math.min(error.retryAfter * 1000, maxRetryAfterMs));
  return { counts: false, delayMs, isRequested: true };
}

/** Reports whether the next request would fail as well: after 401, 403 or 404, and after a bug of this program. */
export function isPermanentFailure(error: unknown): boolean {
  const permanentErrors = [UnauthenticatedError, ForbiddenError, NotFoundError];
  return !(error instanceof CloudcaError) || permanentErrors.some((type) => error instanceof type);
}

// 429 or 503.
function isBusy(error: unknown): error is RateLimitedError | UnavailableError {
  return error instanceof RateLimitedError || (error instanceof UnavailableError && error.upstream?.status === 503);
}
