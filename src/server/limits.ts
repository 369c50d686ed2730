// How much one caller, and all callers together, may ask for: what a key may spend in a minute, and how many operations are at work at
// a time. Keys are known here by their hash alone.
import { hash } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import { type DocumentNode, GraphQLError, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import type { Config } from '../config.js';
import type { ContextValue } from '../graph/context.js';
import { toExpectedRestCalls } from '../graph/cost.js';
import type { RateLimit } from './rate-limit.js';

/** The limits of one process. */
export type LimitsConfig = Pick<
  Config,
  'maxInFlight' | 'maxInFlightPerKey' | 'maxSubscriptions' | 'maxSubscriptionsPerKey'
>;

/** An operation, as far as its cost goes. */
export interface CostedOperation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

/** The limits of one process. */
export interface Limits {
  /** Admits queries and mutations, or refuses them with RATE_LIMITED (429) or OVERLOADED (503) and Retry-After. */
  readonly plugin: ApolloServerPlugin<ContextValue>;
  /** Admits a subscription, and gives what is to be called at its end. Throws a GraphQLError with RATE_LIMITED or OVERLOADED. */
  readonly admitSubscription: (callerId: string, operation: CostedOperation) => Promise<() => void>;
}

/** What a key is known by where it must not stand itself. */
export function toCallerId(apiKey: string): string {
  return hash('sha256', apiKey, 'base64url');
}

/** Makes the limits; without a rate limit, what a key spends in a minute is not looked at. */
export function createLimits(config: LimitsConfig, rateLimit: RateLimit | undefined): Limits {
  const atWork = new Room(config.maxInFlight, config.maxInFlightPerKey, 'operations at work');
  const open = new Room(config.maxSubscriptions, config.maxSubscriptionsPerKey, 'subscriptions open');
  const costs = new WeakMap<OperationDefinitionNode, number>();
  const pay = async (callerId: string, { schema, document, operation }: CostedOperation): Promise<void> => {
    if (rateLimit === undefined) return;
    const cost = costs.get(operation) ?? toExpectedRestCalls(schema, document, operation);
    costs.set(operation, cost);
    const wait = await rateLimit.spend(callerId, cost);
    if (wait === 0) return;
    const message = 'This API key has asked for too much within a minute; ask again later.';
    throw refuse(429, 'RATE_LIMITED', message, Math.ceil(wait / 1000));
  };
  return {
    plugin: {
      requestDidStart: () => {
        let leave: (() => void) | undefined;
        return Promise.resolve({
          didResolveOperation: async ({ schema, document, operation, contextValue }) => {
            const { callerId } = contextValue.operation;
            // Without a key no field makes a REST call.
            if (callerId === undefined || operation === undefined) return;
            await pay(callerId, { schema, document, operation });
            const place = atWork.enter(callerId);
            contextValue.operation.onWaiting((waits) => {
              place.step(waits ? 'out' : 'in');
            });
            leave = () => {
              place.step('out');
            };
          },
          willSendResponse: () => {
            leave?.();
            return Promise.resolve();
          },
        });
      },
    },
    admitSubscription: async (callerId, operation) => {
      await pay(callerId, operation);
      const place = open.enter(callerId);
      return () => {
        place.step('out');
      };
    },
  };
}

/** Somebody's place in a room: an operation that waits for a task steps out and in again, since it costs nobody anything. */
interface Place {
  readonly step: (to: 'in' | 'out') => void;
}

/** Room for so many at a time, in all and of one key. 0: no limit. */
class Room {
  readonly #most: number;
  readonly #mostPerKey: number;
  readonly #what: string;
  readonly #perKey = new Map<string, number>();
  #all = 0;

  constructor(most: number, mostPerKey: number, what: string) {
    this.#most = most;
    this.#mostPerKey = mostPerKey;
    this.#what = what;
  }

  /** Lets one in. Throws where there is no room. */
  enter(callerId: string): Place {
    if (this.#most > 0 && this.#all >= this.#most) {
      throw refuse(503, 'OVERLOADED', `The gateway has too many ${this.#what}; ask again in a moment.`, 1);
    }
    if (this.#mostPerKey > 0 && (this.#perKey.get(callerId) ?? 0) >= this.#mostPerKey) {
      throw refuse(429, 'RATE_LIMITED', `This API key has too many ${this.#what}; wait for some to end.`, 1);
    }
    let where: 'in' | 'out' = 'out';
    const step = (to: 'in' | 'out') => {
      if (to !== where) this.#count(callerId, to === 'in' ? 1 : -1);
      where = to;
    };
    step('in');
    return { step };
  }

  #count(callerId: string, change: 1 | -1): void {
    this.#all += change;
    const count = (this.#perKey.get(callerId) ?? 0) + change;
    // A key that has nobody in is forgotten.
    if (count === 0) this.#perKey.delete(callerId);
    else this.#perKey.set(callerId, count);
  }
}

function refuse(status: number, code: string, message: string, retryAfter: number): GraphQLError {
  const headers = new HeaderMap([['retry-after', String(retryAfter)]]);
  return new GraphQLError(message, { extensions: { code, retryAfter, http: { status, headers } } });
}

/** Bounds a listener's connections; gives whether there are more than `most`. */
export function limitConnections(server: Server, most: number): () => boolean {
  // Of sockets, not of events: one whose offer to upgrade is passed over is handed to the server a second time.
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  // Beyond `most` a caller is told so; far beyond it, there is nobody left to tell.
  server.maxConnections = most + Math.max(16, Math.ceil(most / 10));
  return () => open.size > most;
}
