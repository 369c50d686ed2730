// Bounds the events that are executed, or wait for the client, at a time.

// A client with a slow event among others gets the others in between. A poll may cause an event for each of a thousand subscriptions.
const maxEventsAtOnce = 8;

/** The turns of the subscriptions that share a connection or an API key. Each executes one event in its turn. */
export class EventTurns {
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  /** Whether no turn is taken. */
  get isIdle(): boolean {
    return this.#taken === 0;
  }

  /** Takes a turn, or returns a promise that resolves when it has one. */
  take(): Promise<void> | undefined {
    if (this.#taken >= maxEventsAtOnce) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#taken++;
    return undefined;
  }

  /** Ends a turn: the client has taken the event, or its subscription has ended. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken--;
    // Lets the requests of other connections pass.
    else setImmediate(next);
  }
}
