// Divides the deliveries of events into turns of the event loop, so that an event for a thousand subscribers delays no other work.

// How long one turn may take, in milliseconds.
const maxTurnMs = 10;

/** The deliveries that wait for a turn. Callers alternate, so that the crowd of one does not delay the events of another. */
export class Deliveries {
  // By caller, the next one first; those of a caller in their order. Callers without deliveries have no entry.
  readonly #waiting = new Map<string, (() => void)[]>();
  #isScheduled = false;

  /** Calls `deliver` in a later turn. `callerId` is the hash of the API key. */
  add(callerId: string, deliver: () => void): void {
    const deliveries = this.#waiting.get(callerId);
    if (deliveries === undefined) this.#waiting.set(callerId, [deliver]);
    else deliveries.push(deliver);
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
    for (const [callerId, deliveries] of this.#waiting) {
      const deliver = deliveries.shift();
      // Moves the caller behind the others, where this loop visits it again.
      this.#waiting.delete(callerId);
      if (deliveries.length > 0) this.#waiting.set(callerId, deliveries);
      deliver?.();
      if (performance.now() >= endsAt) break;
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}
