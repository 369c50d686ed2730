// How much one caller, and all callers together, may ask for: what a key may spend in a minute, and how many operations are at work at
// a time. Keys are known here by their hash alone.
import { createHash } from 'node:crypto';
import { type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import { type DocumentNode, GraphQLError, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../config.js';
import type { ContextValue, GraphContext } from '../graph/context.js';
import { toExpectedRestCalls } from '../graph/cost.js';

/** The limits of one process. */
export type LimitsConfig = Pick<Config, 'rateLimitPerMinute' | 'maxInFlight' | 'maxInFlightPerKey'>;

/** What a key is known by where it must not stand itself. */
export function toCallerId(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('base64url');
}

/** Makes the plugin that admits operations, or refuses them with RATE_LIMITED (429) or OVERLOADED (503) and Retry-After. */
export function createLimits(config: LimitsConfig): ApolloServerPlugin<ContextValue> {
  const atWork = new AtWork(config.maxInFlight, config.maxInFlightPerKey);
  const budget =
    config.rateLimitPerMinute === 0
      ? undefined
      : new RateLimiterMemory({ points: config.rateLimitPerMinute, duration: 60 });
  const costs = new WeakMap<OperationDefinitionNode, number>();
  const toCost = (schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): number => {
    const cost = costs.get(operation) ?? toExpectedRestCalls(schema, document, operation);
    costs.set(operation, cost);
    return cost;
  };
  return {
    requestDidStart: () => {
      let leave: (() => void) | undefined;
      return Promise.resolve({
        didResolveOperation: async ({ schema, document, operation, contextValue }) => {
          const { callerId } = contextValue.operation;
          // Without a key no field makes a REST call.
          if (callerId === undefined || operation === undefined) return;
          if (budget !== undefined) await spend(budget, callerId, toCost(schema, document, operation));
          leave = atWork.enter(callerId, contextValue.operation);
        },
        willSendResponse: () => {
          leave?.();
          return Promise.resolve();
        },
      });
    },
  };
}

async function spend(budget: RateLimiterMemory, callerId: string, cost: number): Promise<void> {
  try {
    await budget.consume(callerId, cost);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    const message = 'This API key has asked for too much within a minute; ask again later.';
    throw refuse(429, 'RATE_LIMITED', message, Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)));
  }
}

/** The operations at work. One that waits for a task is not: it costs nobody anything. */
class AtWork {
  readonly #most: number;
  readonly #mostPerKey: number;
  readonly #perKey = new Map<string, number>();
  #all = 0;

  constructor(most: number, mostPerKey: number) {
    this.#most = most;
    this.#mostPerKey = mostPerKey;
  }

  /** Lets an operation in; what it gives lets it out. Throws where there is no room. */
  enter(callerId: string, operation: GraphContext): () => void {
    if (this.#most > 0 && this.#all >= this.#most) {
      throw refuse(503, 'OVERLOADED', 'The gateway has too much to do; ask again in a moment.', 1);
    }
    if (this.#mostPerKey > 0 && (this.#perKey.get(callerId) ?? 0) >= this.#mostPerKey) {
      throw refuse(429, 'RATE_LIMITED', 'This API key has too many operations at work; wait for some to end.', 1);
    }
    this.#count(callerId, 1);
    let waiting = false;
    operation.onWaiting((waits) => {
      waiting = waits;
      this.#count(callerId, waits ? -1 : 1);
    });
    return () => {
      if (!waiting) this.#count(callerId, -1);
    };
  }

  #count(callerId: string, change: 1 | -1): void {
    this.#all += change;
    const count = (this.#perKey.get(callerId) ?? 0) + change;
    // A key that has nothing at work is forgotten.
    if (count === 0) this.#perKey.delete(callerId);
    else this.#perKey.set(callerId, count);
  }
}

function refuse(status: number, code: string, message: string, retryAfter: number): GraphQLError {
  const headers = new HeaderMap([['retry-after', String(retryAfter)]]);
  return new GraphQLError(message, { extensions: { code, retryAfter, http: { status, headers } } });
}
