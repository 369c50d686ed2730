// One `subscribe` message of a WebSocket, from its arrival to its last event.
import type { SubscriptionResult } from './subscriptions.js';

/**
 * The events of one `subscribe` message, as graphql-ws iterates them. It exists before the subscription has started, so that the client's
 * `complete` ends it at any time: graphql-ws calls `return` of the iterator that it knows by the id.
 *
 * After `return`, `next` never settles. graphql-ws would otherwise end the next subscription of the same id: it finds by the id alone what
 * has ended. Nothing refers to such a promise, so it is collected.
 */
export class ClientSubscription implements AsyncIterableIterator<SubscriptionResult> {
  readonly #ended = new AbortController();
  readonly #onEnd: () => void;
  #events: AsyncIterator<SubscriptionResult> | undefined;

  /** Calls `onEnd` once, when the subscription has ended. */
  constructor(onEnd: () => void) {
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

  /** Ends the subscription. Does nothing the second time. */
  end(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#onEnd();
  }

  async next(): Promise<IteratorResult<SubscriptionResult>> {
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
}

/** Returns a promise that never settles. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
