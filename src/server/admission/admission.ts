// Admission: charges an operation to its API key, then limits how many run at a time and how many subscriptions are open. Gets no API key,
// only its hash (callerId).
import type { Config } from '../../config.js';
import type { GraphContext } from '../../graph/context.js';
import { RequestError } from '../../graph/error-codes.js';
import type { ShedReason } from '../telemetry/metrics.js';
import { ConcurrencyLimiter, type LimitScope } from './concurrency-limiter.js';
import type { Budget, RateLimit } from './rate-limit.js';

/** The limits of one process. */
export type AdmissionConfig = Pick<
  Config,
  'maxInFlight' | 'maxInFlightPerKey' | 'maxQueued' | 'maxQueueMs' | 'maxSubscriptions' | 'maxSubscriptionsPerKey'
>;

/** Rejects one more subscription of a key that has too many. Reconnecting would not help, so transports reject the subscription alone. */
export class TooManySubscriptionsError extends RequestError {}

/** Admits operations. */
export interface Admission {
  /**
   * Charges a query or mutation its cost in REST calls, then waits for a permit. Returns the function that releases the permit; undefined
   * without an API key. Rejects with a GraphQLError: RATE_LIMITED (429) or OVERLOADED (503), each with Retry-After. Calls `onCharged` with
   * the budget after the charge, if there is a rate limit.
   */
  readonly admit: (
    context: GraphContext,
    cost: number,
    onCharged?: (budget: Budget) => void,
  ) => Promise<(() => void) | undefined>;
  /** Charges a cost in REST calls to a key, by its hash. Rejects with RATE_LIMITED (429) and Retry-After. */
  readonly charge: (callerId: string, cost: number) => Promise<void>;
  /** Returns the budget of a key, by its hash. Undefined if there is no rate limit. */
  readonly readBudget: (callerId: string) => Promise<Budget | undefined>;
  /**
   * Counts a subscription as open. Returns the function that ends it. Throws TooManySubscriptionsError, or OVERLOADED (503) if the process
   * has too many. `callerId` is the hash of the API key.
   */
  readonly admitSubscription: (callerId: string) => () => void;
  /** Returns the number of operations in the queue. */
  readonly queued: () => number;
}

/**
 * Creates the admission of one process. Without `rateLimit`, keys may spend any amount. Calls `onShed` for each rejection by a concurrency
 * limit, but for none by the rate limit.
 */
export function createAdmission(
  config: AdmissionConfig,
  rateLimit: RateLimit | undefined,
  onShed: (reason: ShedReason) => void,
): Admission {
  const toRejection =
    (kind: 'operations' | 'subscriptions', noun: string, KeyError: typeof RequestError) => (scope: LimitScope) => {
      onShed(scope === 'process' ? kind : `${kind}_of_key`);
      return scope === 'process'
        ? new RequestError('OVERLOADED', `The gateway has too many ${noun}. Try again in a moment.`, { retryAfter: 1 })
        : new KeyError('RATE_LIMITED', `This API key has too many ${noun}. Wait for some to end.`, { retryAfter: 1 });
    };
  const operations = new ConcurrencyLimiter(
    {
      max: config.maxInFlight,
      maxPerKey: config.maxInFlightPerKey,
      maxQueued: config.maxQueued,
      maxQueueMs: config.maxQueueMs,
    },
    toRejection('operations', 'operations in progress', RequestError),
  );
  const subscriptions = new ConcurrencyLimiter(
    { max: config.maxSubscriptions, maxPerKey: config.maxSubscriptionsPerKey, maxQueued: 0, maxQueueMs: 0 },
    toRejection('subscriptions', 'open subscriptions', TooManySubscriptionsError),
  );
  const charge = async (callerId: string, cost: number, onCharged?: (budget: Budget) => void): Promise<void> => {
    if (rateLimit === undefined || cost === 0) return;
    const budget = await rateLimit.spend(callerId, cost);
    onCharged?.(budget);
    if (budget.left >= 0) return;
    const message = 'This API key has spent its budget for this minute. Try again later.';
    throw new RequestError('RATE_LIMITED', message, { retryAfter: Math.ceil(budget.resetMs / 1000) });
  };
  return {
    admit: async (context, cost, onCharged) => {
      const { callerId } = context;
      // Without a key, no field makes a REST call.
      if (callerId === undefined) return undefined;
      await charge(callerId, cost, onCharged);
      const permit = operations.canAcquire(callerId)
        ? operations.acquire(callerId)
        : await context.waitOutsideDeadline((stop) => operations.acquireWhenAvailable(callerId, stop));
      // An operation that waits for a task does no work.
      context.onWaitingChange((isWaiting) => {
        if (isWaiting) permit.pause();
        else permit.resume();
      });
      return permit.release;
    },
    charge,
    readBudget: async (callerId) => rateLimit?.spend(callerId, 0),
    admitSubscription: (callerId) => subscriptions.acquire(callerId).release,
    queued: () => operations.queued,
  };
}
