// Spaces the requests of all polls of one key, so that they stay within its rate. Knows neither polls nor resources.

/** Starts a request when its turn has come. Returns false if the request is not needed any more: the turn then passes to the next. */
export type Turn = () => boolean;

interface Lane {
  // The turns in order of arrival, urgent ones first.
  readonly urgent: Set<Turn>;
  readonly regular: Set<Turn>;
  /** When the next turn may start, on the clock of performance.now(). */
  nextAt: number;
}

/** Gives each key one turn per interval. A key that has more requests, or is held, waits longer; no other key does. */
export class Pacer {
  readonly #intervalMs: number;
  // Keys whose next turn may not start yet. Other keys have no entry here.
  readonly #lanes = new Map<string, Lane>();

  /** `intervalMs` is the time between two turns of one key, in milliseconds; 0: no limit. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Starts a turn, at once or when the earlier turns of the key have started. An urgent turn comes before all others of the key. */
  take(key: string, turn: Turn, isUrgent = false): void {
    const lane = this.#lanes.get(key);
    if (lane !== undefined) (isUrgent ? lane.urgent : lane.regular).add(turn);
    else if (turn() && this.#intervalMs > 0) this.hold(key, this.#intervalMs);
  }

  /** Starts no turn of the key, not even an urgent one, for so many milliseconds. */
  hold(key: string, milliseconds: number): void {
    const nextAt = performance.now() + milliseconds;
    const lane = this.#lanes.get(key);
    if (lane !== undefined) {
      lane.nextAt = Math.max(lane.nextAt, nextAt);
      return;
    }
    const newLane = { urgent: new Set<Turn>(), regular: new Set<Turn>(), nextAt };
    this.#lanes.set(key, newLane);
    this.#schedule(key, newLane);
  }

  /** Gives up a turn that has not started. Does nothing if it has. */
  giveUp(key: string, turn: Turn): void {
    const lane = this.#lanes.get(key);
    lane?.urgent.delete(turn);
    lane?.regular.delete(turn);
  }

  #schedule(key: string, lane: Lane): void {
    setTimeout(
      () => {
        this.#startTurns(key, lane);
      },
      Math.ceil(lane.nextAt - performance.now()),
    ).unref();
  }

  // Starts several turns if the timer is late or coarser than the interval.
  #startTurns(key: string, lane: Lane): void {
    while (lane.nextAt <= performance.now()) {
      const turn = takeFirst(lane.urgent) ?? takeFirst(lane.regular);
      if (turn === undefined) {
        this.#lanes.delete(key);
        return;
      }
      if (turn()) lane.nextAt += this.#intervalMs;
    }
    this.#schedule(key, lane);
  }
}

function takeFirst(turns: Set<Turn>): Turn | undefined {
  for (const turn of turns) {
    turns.delete(turn);
    return turn;
  }
  return undefined;
}
