// Options of a REST client that fails no request because of earlier ones.
import { CircuitBreaker } from '../../src/cloudca/http/circuit-breaker.js';
import { RetryBudget } from '../../src/cloudca/http/retry.js';

/** Creates client options without circuit breaker and retry budget, so that the failures of one test do not affect the next. */
export function createLenientClientOptions(): {
  readonly circuitBreaker: CircuitBreaker;
  readonly retryBudget: RetryBudget;
} {
  return { circuitBreaker: new CircuitBreaker(Infinity), retryBudget: new RetryBudget(Infinity) };
}
