// Spares a REST API that fails, and its callers the wait: a circuit breaker over all calls, and a budget for trying again. Both look
// at whether the service works, never at whose call it was.
import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ExponentialBackoff,
  handleWhen,
  SamplingBreaker,
} from 'cockatiel';
import { type Answer, isObject } from '../envelope.js';
import { CallerGoneError, CircuitOpenError, TimeoutError, UnavailableError } from '../errors.js';

/** Statuses by which a gateway or a balancer says that what is behind it is not there (RFC 9110, 15.6.3 to 15.6.5). */
export const unavailableStatuses: readonly number[] = [502, 503, 504];

/** Lets calls through while the REST API works; of one that does not, it lets one call at a time find out whether it works again. */
export class Breaker {
  readonly #policy: CircuitBreakerPolicy;
  #isProbing = false;

  /** `fewest`: how many calls of ten seconds there must be for them to say anything. */
  constructor(fewest = 10) {
    this.#policy = circuitBreaker(
      handleWhen((error) => this.#isFailure(error)).orWhenResult(
        (answer) => isObject(answer) && unavailableStatuses.some((status) => status === answer['status']),
      ),
      {
        // It opens when half of the calls of the last ten seconds in which there were any have failed.
        breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: fewest / 10 }),
        halfOpenAfter: new ExponentialBackoff({ initialDelay: 1_000, maxDelay: 30_000 }),
      },
    );
  }

  /** Whether no call is let through, but for one now and then. */
  get isOpen(): boolean {
    return this.#policy.state !== CircuitState.Closed;
  }

  /** Makes a call. Throws CircuitOpenError at once where the REST API is not to be asked, else what the call throws. */
  run(call: () => Promise<Answer>): Promise<Answer> {
    // While it is closed, the library throws nothing of its own.
    return this.isOpen || this.#isProbing ? this.#probe(call) : this.#policy.execute(call);
  }

  async #probe(call: () => Promise<Answer>): Promise<Answer> {
    // The library has those who come during the probe wait for it, and that may take as long as the deadline.
    if (this.#isProbing) throw new CircuitOpenError();
    this.#isProbing = this.isOpen;
    const probes = this.#isProbing;
    try {
      return await this.#policy.execute(call);
    } catch (error) {
      throw error instanceof BrokenCircuitError ? new CircuitOpenError() : error;
    } finally {
      if (probes) this.#isProbing = false;
    }
  }

  #isFailure(error: unknown): boolean {
    if (error instanceof UnavailableError || error instanceof TimeoutError) return true;
    // A probe whose caller has gone has found out nothing, and to the library whatever is no failure is a success.
    return this.#isProbing && error instanceof CallerGoneError;
  }
}

/** How often failed calls may be tried again, in proportion to all calls: in a storm, trying again makes it worse for everyone. */
export class RetryBudget {
  // One in ten calls, in the long run.
  static readonly #perCall = 0.1;
  readonly #most: number;
  #left: number;

  /** `most`: how many attempts can be saved up, for a quiet time, when one lost connection should not be a caller's to see. */
  constructor(most = 10) {
    this.#most = most;
    this.#left = most;
  }

  /** Takes note of a call that somebody asked for. */
  earn(): void {
    this.#left = Math.min(this.#most, this.#left + RetryBudget.#perCall);
  }

  /** Takes one attempt out of the budget; false where none is left. */
  spend(): boolean {
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
