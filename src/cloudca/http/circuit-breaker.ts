// The circuit breaker over all REST calls of the process. It relieves a REST API that fails, and lets calls fail at once instead of at
// their deadline.
import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ExponentialBackoff,
  handleWhen,
  SamplingBreaker,
} from 'cockatiel';
import { isObject } from '../../json.js';
import { ClientDisconnectedError, CircuitOpenError, TimeoutError, UnavailableError } from '../errors.js';
import { type RestResponse, unavailableStatuses } from './rest-response.js';

// The circuit opens if more than this share of the counted calls failed.
const failureThreshold = 0.5;

// Calls are counted in this many windows of one second. cockatiel drops the oldest window when a call starts a new one, not with time.
const windowSeconds = 10;

// In milliseconds, with jitter. The delay about doubles after each failed probe.
const firstProbeDelayMs = 1_000;
const maxProbeDelayMs = 30_000;

/**
 * Rejects calls while the REST API fails. Failures are 502, 503, 504, UnavailableError and TimeoutError. Its states:
 *
 * - Closed: makes every call. Opens if more than half of the counted calls failed.
 * - Open: rejects every call, for about 1 s at first and up to 30 s after failed probes. Then half-opens.
 * - Half open: makes one call as a probe and rejects the others. Closes if the probe succeeds, otherwise opens.
 */
export class CircuitBreaker {
  readonly #policy: CircuitBreakerPolicy;
  #isProbing = false;

  /** Never opens below `minCalls` calls in the last ten one-second windows that had calls, however far apart. */
  constructor(minCalls = 10) {
    this.#policy = circuitBreaker(
      handleWhen((error) => this.#isFailure(error)).orWhenResult(
        (response) => isObject(response) && unavailableStatuses.some((status) => status === response['status']),
      ),
      {
        breaker: new SamplingBreaker({
          threshold: failureThreshold,
          duration: windowSeconds * 1_000,
          minimumRps: minCalls / windowSeconds,
        }),
        halfOpenAfter: new ExponentialBackoff({ initialDelay: firstProbeDelayMs, maxDelay: maxProbeDelayMs }),
      },
    );
  }

  /** Whether the circuit is open or half open: it rejects every call except a probe. */
  get isOpen(): boolean {
    return this.#policy.state !== CircuitState.Closed;
  }

  /** Makes a call. Rejects with CircuitOpenError if the circuit is not closed and the call is not the probe. */
  run(call: () => Promise<RestResponse>): Promise<RestResponse> {
    // While the circuit is closed, cockatiel throws no error of its own.
    return this.isOpen || this.#isProbing ? this.#probe(call) : this.#policy.execute(call);
  }

  async #probe(call: () => Promise<RestResponse>): Promise<RestResponse> {
    // cockatiel makes calls that arrive during a probe wait for it, which may take as long as the deadline.
    if (this.#isProbing) throw new CircuitOpenError();
    this.#isProbing = true;
    try {
      return await this.#policy.execute(call);
    } catch (error) {
      throw error instanceof BrokenCircuitError ? new CircuitOpenError() : error;
    } finally {
      this.#isProbing = false;
    }
  }

  #isFailure(error: unknown): boolean {
    if (error instanceof UnavailableError || error instanceof TimeoutError) return true;
    // cockatiel counts all other errors as successes, but a probe whose client disconnected has proven nothing.
    return this.#isProbing && error instanceof ClientDisconnectedError;
  }
}
