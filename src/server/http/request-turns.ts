// Divides requests into turns of the event loop. Each turn serves a few, and the clients that wait take turns. So however many requests a
// client sends at once, another client waits for a few of them.

// Each may take some milliseconds, to read its document and to start the operation.
const maxPerTurn = 8;

/** Starts to serve a request that has waited for some milliseconds. */
type Serve = (waitedMs: number) => void;

interface WaitingRequest {
  /** In milliseconds, on the clock of performance.now(). */
  readonly since: number;
  readonly serve: Serve;
}

/** The turns of the requests of one process. */
export class RequestTurns {
  // By client, the next one first. Clients without a waiting request have no entry.
  readonly #waiting = new Map<string, WaitingRequest[]>();
  #room = maxPerTurn;
  #isScheduled = false;

  /** Serves a request at once, or in a later turn if this one has served enough. `client` names its sender. */
  take(client: string, serve: Serve): void {
    this.#schedule();
    if (this.#room > 0 && this.#waiting.size === 0) {
      this.#room--;
      serve(0);
      return;
    }
    const request = { since: performance.now(), serve };
    const queue = this.#waiting.get(client);
    if (queue === undefined) this.#waiting.set(client, [request]);
    else queue.push(request);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#runTurn);
  }

  readonly #runTurn = (): void => {
    this.#isScheduled = false;
    this.#room = maxPerTurn;
    if (this.#waiting.size > 0) this.#schedule();
    const now = performance.now();
    for (const [client, queue] of this.#waiting) {
      if (this.#room === 0) return;
      this.#room--;
      this.#waiting.delete(client);
      const next = queue.shift();
      // After the other clients.
      if (queue.length > 0) this.#waiting.set(client, queue);
      next?.serve(now - next.since);
    }
  };
}
