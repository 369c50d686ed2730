// Subscriptions, from the request to the last event, for all transports. Schema, checks, limits, errors and logs are those of queries. Each
// event has its own context, and so its own loaders and deadline. Sources never throw: a failure is the last event.
import type { Repeater } from '@repeaterjs/repeater';
import {
  createSourceEventStream,
  type ExecutionResult,
  type GraphQLFormattedError,
  type GraphQLSchema,
  OperationTypeNode,
} from 'graphql';
import { isPermanentFailure } from '../../cloudca/polling/poll-failures.js';
import type { WatchEvent } from '../../cloudca/polling/watcher.js';
import { mapAsyncIterator } from '../../graph/async-iterators.js';
import type { GraphContext, OperationTrace } from '../../graph/context.js';
import { RequestError } from '../../graph/error-codes.js';
import type { Admission } from '../admission/admission.js';
import { overloadedMessage } from '../admission/load-shedding.js';
import type { Payer } from '../admission/origin-budget.js';
import type { KnownOperation } from '../graphql/parse-document.js';
import type { Operation, OperationRequest, Operations } from '../graphql/operations.js';
import type { UnreadBytes } from '../http/unread-bytes.js';
import type { Lifecycle } from '../lifecycle.js';
import { EventTurns } from './event-turns.js';
import { FormattedError, markRetryable, toGraphqlError } from './subscription-errors.js';

/** Describes a subscriber and its connection. */
export interface SubscriptionCaller {
  /** Creates the context of the subscription itself, and that of each event. */
  readonly createContext: (trace: OperationTrace | undefined) => GraphContext;
  /** The client's trace (W3C Trace Context), if any. */
  readonly traceparent: unknown;
  readonly payer: Payer;
  /** Aborts when the client disconnects. */
  readonly disconnected: AbortSignal;
  /** Resolves when the next event may be executed: the client has taken those before it. Default: at once. */
  readonly takeTurn?: () => Promise<void> | undefined;
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

/** The result of an event, formatted for the client. */
export interface SubscriptionResult extends ExecutionResult {
  readonly errors?: readonly FormattedError[];
}

/** The errors that a request is rejected with. */
export interface RejectedSubscription {
  readonly errors: readonly FormattedError[];
  /** HTTP status of the first error. */
  readonly status: number;
  /** Seconds until a retry may succeed, if that is known. */
  readonly retryAfter: number | undefined;
}

/** The result of a request: its operation and events, or the errors that it is rejected with. */
export type SubscribeResult =
  (Operation & { readonly events: AsyncIterableIterator<SubscriptionResult> }) | RejectedSubscription;

/** The subscriptions of one process. */
export class Subscriptions {
  readonly #options: SubscriptionOptions;
  // By hash of the key. Results of more events at a time would take memory before their clients can read them.
  readonly #turnsOfCaller = new Map<string, EventTurns>();
  readonly #open = new Set<AsyncIterableIterator<SubscriptionResult>>();

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    options.lifecycle.draining.addEventListener('abort', () => {
      for (const events of this.#open) void events.return?.();
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
  async subscribe(request: OperationRequest, caller: SubscriptionCaller): Promise<SubscribeResult> {
    const { operations, lifecycle, shedIfOverloaded, startTrace } = this.#options;
    const startedAt = performance.now();
    const trace = startTrace(caller.traceparent);
    const context = caller.createContext(trace);
    let known: KnownOperation | undefined;
    try {
      if (lifecycle.draining.aborted) {
        throw new RequestError('OVERLOADED', 'The gateway is shutting down. Try again.', { retryAfter: 1 });
      }
      if (shedIfOverloaded()) throw new RequestError('OVERLOADED', overloadedMessage, { retryAfter: 1 });
      known = operations.find(request, { payer: caller.payer, checkType });
      const operation = operations.prepare(known, request);
      const createContext = () => caller.createContext(trace);
      return { ...operation, events: await this.#start(operation, context, createContext, caller) };
    } catch (thrown) {
      const { errors, status, retryAfter } = operations.reject(thrown, context);
      const codes = new Set(errors.map(toCode));
      operations.recordSubscription(known?.operation, context, {
        startedAt,
        restCalls: 0,
        events: 0,
        errors: codes,
      });
      // An event stream with status 200 would be a success.
      return { errors: errors.map((error) => new FormattedError(error)), status: Math.max(400, status), retryAfter };
    }
  }

  async #start(
    prepared: Operation,
    context: GraphContext,
    createContext: () => GraphContext,
    { disconnected, takeTurn }: SubscriptionCaller,
  ): Promise<AsyncIterableIterator<SubscriptionResult>> {
    const { schema, operations, admission, unreadBytes, lifecycle } = this.#options;
    const { document, operation, cost, variables } = prepared;
    const startedAt = performance.now();
    const codes = new Set<string>();
    let restCalls = 0;
    let eventCount = 0;
    let eventContext: GraphContext | undefined;
    const { callerId } = context;
    const toErrors = (errors: readonly GraphQLFormattedError[]) =>
      errors.map((error) => {
        codes.add(toCode(error));
        return new FormattedError(error);
      });
    const toResult = async (event: WatchEvent<unknown>): Promise<SubscriptionResult> => {
      await takeTurn?.();
      eventCount++;
      if ('failure' in event) {
        const failure = toGraphqlError(event.failure, { document, operation });
        const errors = operations.formatErrors([failure], context);
        return { errors: toErrors(isPermanentFailure(event.failure) ? errors : errors.map(markRetryable)) };
      }
      return this.#inTurn(callerId ?? '', async () => {
        await unreadBytes.whenRead(callerId);
        // Nobody reads the result.
        if (disconnected.aborted) return { data: null };
        eventContext = createContext();
        const { data, errors } = await operations.execute(prepared, eventContext, event.value);
        restCalls += eventContext.restCalls;
        eventContext.auditSecretReads();
        return errors === undefined ? { data } : { data, errors: toErrors(errors) };
      });
    };
    const source = await createSourceEventStream({
      schema,
      document,
      operationName: operation.name?.value ?? null,
      variableValues: variables.declared,
      contextValue: { operation: context },
    });
    const events = isEventStream(source)
      ? mapAsyncIterator(source, toResult)
      : singleResult({
          errors: toErrors(operations.formatErrors('errors' in source ? (source.errors ?? []) : [], context)),
        });
    // A source starts when its first event is requested, so a rejection here has cost no REST call.
    const release = callerId && (await admission.admitSubscription(callerId, cost));
    const observed = onEnd(events, () => {
      if (!this.#open.delete(observed)) return;
      disconnected.removeEventListener('abort', stop);
      eventContext?.disconnect();
      if (release) release();
      operations.recordSubscription(operation, context, { startedAt, restCalls, events: eventCount, errors: codes });
    });
    const stop = () => void observed.return?.();
    disconnected.addEventListener('abort', stop);
    this.#open.add(observed);
    // Either may have aborted before the listener was added.
    if (disconnected.aborted || lifecycle.draining.aborted) stop();
    return observed;
  }

  /** Executes an event of a caller in its turn. */
  async #inTurn<T>(callerId: string, execute: () => Promise<T>): Promise<T> {
    const turns = this.#turnsOfCaller.get(callerId) ?? new EventTurns();
    this.#turnsOfCaller.set(callerId, turns);
    await turns.take();
    try {
      return await execute();
    } finally {
      turns.release();
      if (turns.isIdle) this.#turnsOfCaller.delete(callerId);
    }
  }
}

function checkType(type: OperationTypeNode): RequestError | undefined {
  if (type === OperationTypeNode.SUBSCRIPTION) return undefined;
  const message = 'Only subscriptions are served here. Send queries and mutations by POST to /graphql.';
  return new RequestError('BAD_REQUEST', message);
}

function toCode({ extensions }: GraphQLFormattedError): string {
  return String(extensions?.['code']);
}

function isEventStream(value: AsyncIterable<unknown> | ExecutionResult): value is AsyncIterable<WatchEvent<unknown>> {
  return Symbol.asyncIterator in value;
}

async function* singleResult(result: SubscriptionResult): AsyncGenerator<SubscriptionResult> {
  yield await Promise.resolve(result);
}

/** Wraps events to call `listener` when they end, whether by themselves or by `return` or `throw`. May call it several times. */
function onEnd<T>(events: AsyncGenerator<T> | Repeater<T>, listener: () => void): AsyncIterableIterator<T> {
  const observed = {
    next: async () => {
      const next = await events.next();
      if (next.done === true) listener();
      return next;
    },
    return: () => {
      listener();
      return events.return(undefined);
    },
    throw: (error: unknown) => {
      listener();
      return events.throw(error);
    },
    [Symbol.asyncIterator]: () => observed,
  };
  return observed;
}
