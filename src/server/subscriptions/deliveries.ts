// Divides the deliveries of events into turns of the event loop, so that an event for a thousand subscribers delays no other work.

import { FairQueue } from '../fair-queue.js';

// How long one turn may take, in milliseconds.
const maxTurnMs = 10;

/** The deliveries that wait for a turn. Callers alternate, so that the crowd of one does not delay the events of another. */
export class Deliveries {
  readonly #waiting = new FairQueue<() => void>();
  #isScheduled = false;

  /** Calls `deliver` in a later turn. `callerId` is the hash of the API key. */
  add(callerId: string, deliver: () => void): void {
    this.#waiting.add(callerId, deliver);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#runTurn(performance.now() + maxTurnMs);
    });
  }

  #runTurn(endsAt: number): void {
    do this.#waiting.takeNext()?.();
    while (!this.#waiting.isEmpty && performance.now() < endsAt);
    if (!this.#waiting.isEmpty) this.#schedule();
  }
}
