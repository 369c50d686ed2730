// Subscriptions, from the request to the last event, for all transports. Schema, checks, limits, errors and logs are those of queries.
import { type GraphQLSchema, OperationTypeNode } from 'graphql';
import type { GraphContext, OperationTrace } from '../../graph/context.js';
import { RequestError } from '../../graph/error-codes.js';
import { type Admission, TooManySubscriptionsError } from '../admission/admission.js';
import { overloadedMessage } from '../admission/load-shedding.js';
import type { Payer } from '../admission/origin-budget.js';
import type { Operation, OperationRequest, Operations } from '../graphql/operations.js';
import type { KnownOperation } from '../graphql/parse-document.js';
import type { UnreadBytes } from '../http/unread-bytes.js';
import type { Lifecycle } from '../lifecycle.js';
import { Deliveries } from './deliveries.js';
import { FanOut } from './fan-out.js';
import { FormattedError } from './subscription-errors.js';
import { type EventReceiver, Subscription } from './subscription.js';

/** Describes a subscriber and its connection. */
export interface SubscriptionCaller {
  /** Creates the context of the subscription itself, and that of each event that is executed for it first. */
  readonly createContext: (trace: OperationTrace | undefined) => GraphContext;
  /** The client's trace (W3C Trace Context), if any. */
  readonly traceparent: unknown;
  readonly payer: Payer;
  /** Aborts when the client disconnects. */
  readonly disconnected: AbortSignal;
}

/** Dependencies of Subscriptions. */
export interface SubscriptionOptions {
  readonly schema: GraphQLSchema;
  readonly operations: Operations;
  readonly admission: Admission;
  readonly unreadBytes: UnreadBytes;
  readonly lifecycle: Lifecycle;
  /** Reports whether a new subscription must be shed, and counts it if so. */
  readonly shedIfOverloaded: () => boolean;
  /** Starts a trace. Returns undefined if tracing is off. */
  readonly startTrace: (traceparent: unknown) => OperationTrace | undefined;
}

/** A subscription that has started. */
export interface OpenSubscription {
  /**
   * Sends the events, each when the client is ready for it. Resolves with true when what was watched has ended and the client has all of
   * it. Resolves with false when the client has disconnected or the gateway shuts down: then the transport must not complete the
   * subscription. Call it once.
   */
  readonly run: (receiver: EventReceiver) => Promise<boolean>;
}

/** The errors that a request is rejected with. */
export interface RejectedSubscription {
  readonly errors: readonly FormattedError[];
  /** HTTP status of the first error. */
  readonly status: number;
  /** Seconds until a retry may succeed, if that is known. */
  readonly retryAfter: number | undefined;
  /**
   * Why the client should reconnect, and after how many seconds. Undefined if a new connection would not help. An `error` message would end the subscription for
   * good in its client, so a WebSocket closes with 1013 instead.
   */
  readonly reconnectReason: string | undefined;
}

/** The subscriptions of one process. */
export class Subscriptions {
  readonly #options: SubscriptionOptions;
  readonly #fanOut: FanOut;
  readonly #deliveries = new Deliveries();
  readonly #open = new Set<Subscription>();

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#fanOut = new FanOut(options);
    options.lifecycle.draining.addEventListener('abort', () => {
      for (const subscription of this.#open) subscription.leave();
    });
  }

  /** Counts the open subscriptions. */
  get open(): number {
    return this.#open.size;
  }

  /**
   * Starts a subscription. It ends when the client disconnects. Resolves with a RejectedSubscription if the request is invalid or a limit
   * is reached.
   */
  async subscribe(
    request: OperationRequest,
    caller: SubscriptionCaller,
  ): Promise<OpenSubscription | RejectedSubscription> {
    const { operations, lifecycle, shedIfOverloaded, startTrace } = this.#options;
    const startedAt = performance.now();
    const { createContext } = caller;
    const trace = startTrace(caller.traceparent);
    const context = createContext(trace);
    let known: KnownOperation | undefined;
    try {
      if (lifecycle.draining.aborted) {
        throw new RequestError('OVERLOADED', 'The gateway is shutting down. Try again.', { retryAfter: 1 });
      }
      if (shedIfOverloaded()) throw new RequestError('OVERLOADED', overloadedMessage, { retryAfter: 1 });
      known = operations.find(request, { payer: caller.payer, checkType });
      const operation = operations.prepare(known, request);
      const contexts = { context, createContext: () => createContext(trace) };
      return { run: await this.#start(operation, contexts, caller.disconnected) };
    } catch (thrown) {
      const { errors, status, retryAfter } = operations.reject(thrown, context);
      const codes = new Set(errors.map(({ extensions }) => String(extensions?.['code'])));
      operations.recordSubscription(known?.operation, context, { startedAt, restCalls: 0, events: 0, errors: codes });
      return {
        errors: errors.map((error) => new FormattedError(error)),
        // An event stream with status 200 would be a success.
        status: Math.max(400, status),
        retryAfter,
        reconnectReason: toReconnectReason(thrown),
      };
    }
  }

  async #start(
    operation: Operation,
    contexts: Pick<Subscription, 'context' | 'createContext'>,
    disconnected: AbortSignal,
  ): Promise<OpenSubscription['run']> {
    const { operations, admission, lifecycle } = this.#options;
    const { context } = contexts;
    const { callerId = '' } = context;
    const startedAt = performance.now();
    const release = admission.admitSubscription(callerId);
    const subscription = new Subscription({
      ...contexts,
      deliveries: this.#deliveries,
      onLeft: (totals) => {
        disconnected.removeEventListener('abort', leave);
        release();
        // A subscription that was rejected is not open yet.
        if (!this.#open.delete(subscription)) return;
        operations.recordSubscription(operation.operation, context, { startedAt, ...totals });
      },
    });
    const leave = () => {
      subscription.leave();
    };
    const group = this.#fanOut.join(operation, callerId, subscription);
    await subscription.join(group);
    this.#open.add(subscription);
    disconnected.addEventListener('abort', leave);
    // Either may have aborted before.
    if (disconnected.aborted || lifecycle.draining.aborted) leave();
    return (receiver) => subscription.run(group, receiver);
  }
}

function checkType(type: OperationTypeNode): RequestError | undefined {
  if (type === OperationTypeNode.SUBSCRIPTION) return undefined;
  const message = 'Only subscriptions are served here. Send queries and mutations by POST to /graphql.';
  return new RequestError('BAD_REQUEST', message);
}

function toReconnectReason(thrown: unknown): string | undefined {
  if (thrown instanceof TooManySubscriptionsError || !(thrown instanceof RequestError)) return undefined;
  const { status, message, retryAfter = 1 } = thrown;
  if (status !== 429 && status !== 503) return undefined;
  return `${message.replace(/ Try again[^.]*\.$/, '')} Try again in ${retryAfter} s.`;
}
