// Divides requests into turns of the event loop. Each turn serves a few, and the clients that wait take turns. So however many requests a
// client sends at once, another client waits for a few of them.
import { FairQueue } from '../fair-queue.js';

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
  readonly #waiting = new FairQueue<WaitingRequest>();
  #room = maxPerTurn;
  #isScheduled = false;

  /** Serves a request at once, or in a later turn if this one has served enough. `client` names its sender. */
  take(client: string, serve: Serve): void {
    this.#schedule();
    if (this.#room > 0 && this.#waiting.isEmpty) {
      this.#room--;
      serve(0);
    } else this.#waiting.add(client, { since: performance.now(), serve });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#runTurn);
  }

  readonly #runTurn = (): void => {
    this.#isScheduled = false;
    this.#room = maxPerTurn;
    if (!this.#waiting.isEmpty) this.#schedule();
    const now = performance.now();
    for (; this.#room > 0 && !this.#waiting.isEmpty; this.#room--) {
      const next = this.#waiting.takeNext();
      next?.serve(now - next.since);
    }
  };
}
