// How much one caller, and all callers together, may ask for: what a key may spend in a minute, how many operations are at work at a time,
// and how many subscriptions are open. Keys are known here by their hash alone.
import { hash } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { HeaderMap } from '@apollo/server';
import { type DocumentNode, GraphQLError, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import type { Config } from '../../config.js';
import type { GraphContext } from '../../graph/context.js';
import { toExpectedRestCalls } from '../../graph/limits/query-cost.js';
import type { Shed } from '../telemetry/metrics.js';
import type { RateLimit } from './rate-limit.js';
import { type Full, Room } from './concurrency-limiter.js';

/** The limits of one process. */
export type LimitsConfig = Pick<
  Config,
  'maxInFlight' | 'maxInFlightPerKey' | 'maxQueued' | 'maxQueueMs' | 'maxSubscriptions' | 'maxSubscriptionsPerKey'
>;

/** An operation, as far as its cost goes. */
export interface CostedOperation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

/** The limits of one process. */
export interface Limits {
  /**
   * Admits a query or mutation, once there is a place for it; gives what is to be called at its end, where it takes a place. Rejects with a
   * GraphQLError with RATE_LIMITED (429) or OVERLOADED (503) and Retry-After.
   */
  readonly admit: (context: GraphContext, operation: CostedOperation) => Promise<(() => void) | undefined>;
  /** Admits a subscription, and gives what is to be called at its end. Throws a GraphQLError with RATE_LIMITED or OVERLOADED. */
  readonly admitSubscription: (callerId: string, operation: CostedOperation) => Promise<() => void>;
  /** How many operations wait for one at work to end. */
  readonly queued: () => number;
}

/** What a key is known by where it must not stand itself. */
export function toCallerId(apiKey: string): string {
  return hash('sha256', apiKey, 'base64url');
}

/**
 * Makes the limits; without a rate limit, what a key spends in a minute is not looked at. `shed` is told of each refusal for want of a place.
 */
export function createLimits(
  config: LimitsConfig,
  rateLimit: RateLimit | undefined,
  shed: (full: Shed) => void,
): Limits {
  const toRefusal = (kind: 'operations' | 'subscriptions', what: string) => (full: Full) => {
    shed(full === 'room' ? kind : `${kind}_of_key`);
    return full === 'room'
      ? refuse(503, 'OVERLOADED', `The gateway has too many ${what}; ask again in a moment.`, 1)
      : refuse(429, 'RATE_LIMITED', `This API key has too many ${what}; wait for some to end.`, 1);
  };
  const atWork = new Room(
    {
      most: config.maxInFlight,
      mostPerKey: config.maxInFlightPerKey,
      mostQueued: config.maxQueued,
      queueMs: config.maxQueueMs,
    },
    toRefusal('operations', 'operations at work'),
  );
  const open = new Room(
    { most: config.maxSubscriptions, mostPerKey: config.maxSubscriptionsPerKey, mostQueued: 0, queueMs: 0 },
    toRefusal('subscriptions', 'subscriptions open'),
  );
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
    admit: async (context, operation) => {
      const { callerId } = context;
      // Without a key no field makes a REST call.
      if (callerId === undefined) return undefined;
      await pay(callerId, operation);
      const place = atWork.hasPlaceFor(callerId)
        ? atWork.enter(callerId)
        : await context.waitFor((stop) => atWork.queue(callerId, stop));
      context.onWaiting((waits) => {
        place.step(waits ? 'out' : 'in');
      });
      return () => {
        place.step('out');
      };
    },
    admitSubscription: async (callerId, operation) => {
      await pay(callerId, operation);
      const place = open.enter(callerId);
      return () => {
        place.step('out');
      };
    },
    queued: () => atWork.queued,
  };
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
