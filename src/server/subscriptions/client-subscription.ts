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
 * Presents a subscription to graphql-ws as an iteration without results. graphql-ws would make a text of each result, so this sends the
 * events itself. After the last one, the iteration ends, and graphql-ws sends `complete`.
 *
 * It exists before the subscription has started, so that the client's `complete` ends it at any time. graphql-ws then calls `return` of the
 * iterator with that id.
 *
 * After `return`, `next` never settles. graphql-ws would otherwise end the next subscription of the same id: it finds by the id alone what
 * has ended. Nothing refers to such a promise, so it is collected.
 */
export class ClientSubscription implements AsyncIterableIterator<never>, EventReceiver {
  readonly #id: string;
  readonly #connection: EventConnection;
  readonly #onEnd: () => void;
  readonly #ended = new AbortController();
  #run: OpenSubscription['run'] | undefined;
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

  /** Sets what sends the events. */
  start(run: OpenSubscription['run']): void {
    this.#run = run;
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

  async next(): Promise<IteratorResult<never>> {
    const hasEnded = await this.#run?.(this);
    // During shutdown, the socket closes without `complete`, so that the client subscribes again.
    if (hasEnded === false || this.#ended.signal.aborted) return never();
    this.end();
    return { done: true, value: undefined };
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
