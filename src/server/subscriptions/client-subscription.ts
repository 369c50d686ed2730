// One `subscribe` message of a WebSocket, from its arrival to its last event.
import type { EventTurns } from './event-turns.js';
import type { SubscriptionResult } from './subscriptions.js';

/** The connection of a subscription. */
export interface EventConnection {
  readonly turns: EventTurns;
  /** Resolves when the client has taken the events before; undefined if it has already. */
  readonly whenWritable: () => Promise<void> | undefined;
}

/**
 * The events of one `subscribe` message, as graphql-ws iterates them. It exists before the subscription has started, so that the client's
 * `complete` ends it at any time: graphql-ws calls `return` of the iterator that it knows by the id.
 *
 * After `return`, `next` never settles. graphql-ws would otherwise end the next subscription of the same id: it finds by the id alone what
 * has ended. Nothing refers to such a promise, so it is collected.
 */
export class ClientSubscription implements AsyncIterableIterator<SubscriptionResult> {
  readonly #ended = new AbortController();
  readonly #connection: EventConnection;
  readonly #onEnd: () => void;
  #events: AsyncIterator<SubscriptionResult> | undefined;
  #hasTurn = false;

  /** Calls `onEnd` once, when the subscription has ended. */
  constructor(connection: EventConnection, onEnd: () => void) {
    this.#connection = connection;
    this.#onEnd = onEnd;
  }

  /** Aborts when the client has completed the subscription or closed its socket, or when there is no further event. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Sets the source of the events. */
  start(events: AsyncIterator<SubscriptionResult>): void {
    this.#events = events;
  }

  /** Resolves when the next event may be executed. Never does after the end of the subscription. */
  async takeTurn(): Promise<void> {
    const { turns, whenWritable } = this.#connection;
    await turns.take();
    this.#hasTurn = true;
    if (!this.#ended.signal.aborted) await whenWritable();
    if (!this.#ended.signal.aborted) return;
    this.#releaseTurn();
    return never();
  }

  /** Ends the subscription. Does nothing the second time. */
  end(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#releaseTurn();
    this.#onEnd();
  }

  async next(): Promise<IteratorResult<SubscriptionResult>> {
    // graphql-ws has sent the event before.
    this.#releaseTurn();
    const next = (await this.#events?.next()) ?? { done: true, value: undefined };
    if (this.#ended.signal.aborted) return never();
    if (next.done === true) this.end();
    return next;
  }

  async return(): Promise<IteratorResult<SubscriptionResult>> {
    this.end();
    await this.#events?.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #releaseTurn(): void {
    if (!this.#hasTurn) return;
    this.#hasTurn = false;
    this.#connection.turns.release();
  }
}

/** Returns a promise that never settles. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
