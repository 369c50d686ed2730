// Subscribers that share their events: one source, one execution of each event, and the result that all of them are sent.
import { createSourceEventStream, type ExecutionResult, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import type { LRUCache } from 'lru-cache';
import { isPermanentFailure } from '../../cloudca/polling/poll-failures.js';
import type { WatchEvent } from '../../cloudca/polling/watcher.js';
import type { GraphContext, SecretReads } from '../../graph/context.js';
import type { Admission } from '../admission/admission.js';
import type { Operation, Operations } from '../graphql/operations.js';
import type { UnreadBytes } from '../http/unread-bytes.js';
import { SentBytes } from './sent-bytes.js';
import { tailWithoutData, toTail } from './subscription-event.js';
import { markRetryable, toGraphqlError } from './subscription-errors.js';

/** One subscriber of a group. */
export interface GroupMember {
  /** Context of the subscription itself. */
  readonly context: GraphContext;
  /** Creates the context of one event, which the group executes for all of its subscribers. */
  readonly createContext: () => GraphContext;
  /** Receives the number of REST calls of an event that was executed because this subscriber was the first to be ready for it. */
  onRestCalls(count: number): void;
  /** Called when the group has another event, or has ended. */
  wake(): void;
}

/** Holds what a group sends to each of its subscribers: the result of an event, or the failure that ends the group. */
export interface SharedResult {
  /** The number of the latest event that it includes, counted from 1. */
  readonly eventNumber: number;
  readonly tail: SentBytes;
  readonly hasData: boolean;
  /** Formatted, with a request id that each subscriber replaces by its own. Undefined if there are none. */
  readonly errors: readonly GraphQLFormattedError[] | undefined;
  /** The pre-shared keys in the result, for the audit log of each subscriber. */
  readonly secretReads: SecretReads | undefined;
}

// How long a result with errors is kept for newcomers, in milliseconds. What failed may have recovered, and no event tells.
const maxErrorAgeMs = 1_000;

/** Dependencies of a Group. */
export interface GroupOptions {
  readonly schema: GraphQLSchema;
  readonly operations: Operations;
  readonly admission: Admission;
  readonly unreadBytes: UnreadBytes;
  readonly operation: Operation;
  /** Hash of the API key. */
  readonly callerId: string;
  /** The latest results of all groups. */
  readonly results: LRUCache<Group, SharedResult>;
  /** Executes an event in the turn of its key. */
  readonly inTurn: <T>(execute: () => Promise<T>) => Promise<T>;
  /** Called when the group has ended or lost its last subscriber. May be called twice. */
  readonly onClosed: () => void;
}

interface Execution {
  /** Number of the event. Undefined until the execution has its turn, and takes the latest event. */
  eventNumber: number | undefined;
  readonly result: Promise<SharedResult>;
}

/** The subscribers of one key to one operation with the same variables. Ends with its source, or with its last subscriber. */
export class Group {
  readonly #options: GroupOptions;
  readonly #subscribers = new Set<GroupMember>();
  // Contexts of the events that are executed.
  readonly #contexts = new Set<GraphContext>();
  // Resolves when the group has a source, and its cost is paid. Rejects with a GraphQLError if the rate limit does not allow it.
  readonly #opened: Promise<void>;
  #source: AsyncIterator<WatchEvent<unknown>> | undefined;
  #latestValue: unknown;
  #eventCount = 0;
  #execution: Execution | undefined;
  #failure: SharedResult | undefined;
  #hasEnded = false;

  /** `first` is the first subscriber. */
  constructor(options: GroupOptions, first: GroupMember) {
    this.#options = options;
    this.#subscribers.add(first);
    this.#opened = this.#open(first.context);
  }

  /** The number of events so far. Each is the whole state, so only the latest one counts. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Whether no further event follows. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  // A group without subscribers gets no others.
  get #isClosed(): boolean {
    return this.#subscribers.size === 0;
  }

  /** The failure that ended the group; undefined if there is none. */
  get failure(): SharedResult | undefined {
    return this.#failure;
  }

  /**
   * Resolves when the group is open for a subscriber that has joined. Charges its key for the reads of the latest event if their result is not
   * there any more. Rejects with a GraphQLError if the rate limit does not allow it.
   */
  async admit(): Promise<void> {
    await this.#opened;
    const { admission, callerId, operation } = this.#options;
    if (this.#eventCount > 0 && this.#findLatestResult() === undefined) {
      await admission.charge(callerId, toReadCost(operation));
    }
  }

  /** Adds a subscriber. */
  add(subscriber: GroupMember): void {
    this.#subscribers.add(subscriber);
  }

  /** Removes a subscriber. After the last one, ends the source and cancels the REST reads of events. */
  remove(subscriber: GroupMember): void {
    if (this.#subscribers.delete(subscriber) && this.#subscribers.size === 0) this.#close();
  }

  /**
   * Returns the result of the latest event. Executes the event if that has not begun yet, with a context of `subscriber`, which its REST
   * calls are counted for. Never rejects.
   */
  latestResult(subscriber: GroupMember): Promise<SharedResult> {
    const latest = this.#findLatestResult();
    if (latest !== undefined) return latest;
    const execution: Execution = {
      eventNumber: undefined,
      result: this.#options.inTurn(() => {
        execution.eventNumber = this.#eventCount;
        return this.#execute(this.#eventCount, this.#latestValue, subscriber);
      }),
    };
    this.#execution = execution;
    return execution.result.finally(() => {
      if (this.#execution === execution) this.#execution = undefined;
    });
  }

  // Undefined if the latest event must be executed.
  #findLatestResult(): Promise<SharedResult> | undefined {
    const kept = this.#options.results.get(this);
    if (kept?.eventNumber === this.#eventCount) return Promise.resolve(kept);
    const current = this.#execution;
    return (current?.eventNumber ?? this.#eventCount) === this.#eventCount ? current?.result : undefined;
  }

  async #open(context: GraphContext): Promise<void> {
    const { schema, operations, operation, admission, callerId } = this.#options;
    const source = await createSourceEventStream({
      schema,
      document: operation.document,
      operationName: operation.operation.name?.value ?? null,
      variableValues: operation.variables.declared,
      contextValue: { operation: context },
    });
    // The source has made no REST call yet. If its poll runs already, only the reads of the first event remain to be paid.
    await admission.charge(callerId, context.joinsPoll ? toReadCost(operation) : operation.cost);
    if (this.#isClosed) return;
    if (isEventStream(source)) {
      this.#source = source[Symbol.asyncIterator]();
      void this.#readSource(this.#source, context);
    } else this.#end(operations.formatErrors('errors' in source ? (source.errors ?? []) : [], context));
  }

  // Reads all events at once. Those that no subscriber is ready for are never executed.
  async #readSource(source: AsyncIterator<WatchEvent<unknown>>, context: GraphContext): Promise<void> {
    try {
      for (let next = await source.next(); next.done !== true; next = await source.next()) {
        if ('failure' in next.value) {
          this.#fail(next.value.failure, context);
          return;
        }
        this.#eventCount++;
        this.#latestValue = next.value.value;
        for (const subscriber of this.#subscribers) subscriber.wake();
      }
      this.#end();
    } catch (thrown) {
      // A source never throws, unless it has a bug. Its subscribers must end nevertheless.
      this.#fail(thrown, context);
    }
  }

  #fail(failure: unknown, context: GraphContext): void {
    const { operations, operation } = this.#options;
    const errors = operations.formatErrors([toGraphqlError(failure, operation)], context);
    this.#end(isPermanentFailure(failure) ? errors : errors.map(markRetryable));
  }

  #end(errors?: readonly GraphQLFormattedError[]): void {
    this.#hasEnded = true;
    if (errors !== undefined) this.#failure = this.#toResult(this.#eventCount, tailWithoutData, errors);
    this.#options.onClosed();
    for (const subscriber of this.#subscribers) subscriber.wake();
  }

  #close(): void {
    const { results, onClosed } = this.#options;
    onClosed();
    results.delete(this);
    void this.#source?.return?.();
    for (const context of this.#contexts) context.disconnect();
  }

  async #execute(eventNumber: number, value: unknown, subscriber: GroupMember): Promise<SharedResult> {
    const { operations, operation, results } = this.#options;
    const context = subscriber.createContext();
    this.#contexts.add(context);
    // The subscribers may have left while the event waited for its turn.
    if (this.#isClosed) context.disconnect();
    let result: SharedResult;
    try {
      const { data, errors } = await operations.execute(operation, context, value);
      result = this.#toResult(eventNumber, await toTail(data, context.budget.caller), errors, context.secretReads);
    } catch (thrown) {
      result = this.#toResult(eventNumber, tailWithoutData, operations.formatErrors([thrown], context));
    }
    this.#contexts.delete(context);
    subscriber.onRestCalls(context.restCalls);
    if (!this.#isClosed && eventNumber >= (results.peek(this)?.eventNumber ?? 0)) {
      results.set(this, result, { ttl: result.errors === undefined ? 0 : maxErrorAgeMs });
    }
    return result;
  }

  #toResult(
    eventNumber: number,
    tail: Buffer,
    errors: readonly GraphQLFormattedError[] | undefined,
    secretReads?: SecretReads,
  ): SharedResult {
    const { callerId, unreadBytes } = this.#options;
    return {
      eventNumber,
      tail: new SentBytes(tail, callerId, unreadBytes),
      hasData: tail !== tailWithoutData,
      errors,
      secretReads,
    };
  }
}

/** Returns the cost of the reads of an event: that of the operation without its poll. */
function toReadCost({ cost }: Operation): number {
  return cost - 1;
}

function isEventStream(value: AsyncIterable<unknown> | ExecutionResult): value is AsyncIterable<WatchEvent<unknown>> {
  return Symbol.asyncIterator in value;
}
