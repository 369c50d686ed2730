// One `subscribe` message of a WebSocket, from its arrival to its last event.
import type { EventTurns } from './event-turns.js';
import type { EventReceiver } from './subscription.js';
import type { SubscriptionEvent } from './subscription-event.js';
import type { OpenSubscription } from './subscriptions.js';

/** The connection of a subscription. */
export interface EventConnection {
  readonly turns: EventTurns;
  /** Resolves when the client has taken the events before; undefined if it has already. */
  readonly whenWritable: () => Promise<void> | undefined;
  /** Sends an event as a `next` message with this id. Resolves when the client has taken it; undefined if it has already. */
  readonly sendEvent: (id: string, event: SubscriptionEvent) => Promise<void> | undefined;
}

/**
 * Sends the events of a subscription, which graphql-ws does not iterate over. It would make a text of each result, and keep the whole
 * `subscribe` message until the last one.
 *
 * It exists before the subscription has started, so that the client's `complete` ends it at any time. graphql-ws then calls `return` of the
 * iterator with that id, and never `next`.
 */
export class ClientSubscription implements AsyncIterableIterator<never>, EventReceiver {
  readonly #id: string;
  readonly #connection: EventConnection;
  readonly #onEnd: () => void;
  readonly #ended = new AbortController();
  #hasTurn = false;

  /** `id` is that of the `subscribe` message. Calls `onEnd` once, when the subscription has ended. */
  constructor(id: string, connection: EventConnection, onEnd: () => void) {
    this.#id = id;
    this.#connection = connection;
    this.#onEnd = onEnd;
  }

  /** Aborts when the client has completed the subscription or closed its socket, or when there is no further event. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /**
   * Sends the events. Resolves with true when the client must receive `complete`. Resolves with false if the client has completed the
   * subscription, or if the gateway shuts down. The socket then closes without `complete`, so that the client subscribes again.
   */
  async run(run: OpenSubscription['run']): Promise<boolean> {
    const hasEnded = await run(this);
    if (!hasEnded || this.#ended.signal.aborted) return false;
    this.end();
    return true;
  }

  async whenReady(): Promise<void> {
    const { turns, whenWritable } = this.#connection;
    await turns.take();
    this.#hasTurn = true;
    if (!this.#ended.signal.aborted) await whenWritable();
    if (this.#ended.signal.aborted) this.#releaseTurn();
  }

  send(event: SubscriptionEvent): Promise<void> | undefined {
    const taken = this.#connection.sendEvent(this.#id, event);
    if (taken === undefined) this.#releaseTurn();
    return taken?.then(() => {
      this.#releaseTurn();
    });
  }

  /** Ends the subscription. Does nothing the second time. */
  end(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#releaseTurn();
    this.#onEnd();
  }

  next(): Promise<IteratorResult<never>> {
    return never();
  }

  return(): Promise<IteratorResult<never>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
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
