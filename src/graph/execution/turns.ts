// Divides the execution of large results into turns of the event loop. In each turn, one operation of the process executes one slice, and
// operations alternate. So however many large results are in progress, other requests wait for one slice at most.

/**
 * Maximum work of an operation in one turn, in fields without arguments: about 10 ms. A promise for each row and more garbage make smaller
 * slices slower, and lists of a few hundred rows with them.
 */
export const maxWorkPerTurn = 10_000;

/** Work that waits for a turn. */
interface Slice {
  readonly work: number;
  readonly start: () => void;
}

// Operations that wait for a turn, the next one first.
const waiting = new Set<Turns>();
let isScheduled = false;

/** The turns of one operation. The first one is the turn in which the operation starts. */
export class Turns {
  #workInTurn = 0;
  #slices: Slice[] = [];
  // Index of the next slice. Removing each slice from the array would make the work quadratic.
  #next = 0;

  /** Takes part of the current turn. Returns undefined if it has room for this much work, otherwise a promise of a later turn. */
  take(work: number): Promise<void> | undefined {
    if (this.#slices.length === 0 && this.#workInTurn + work <= maxWorkPerTurn) {
      this.#workInTurn += work;
      return undefined;
    }
    return new Promise((start) => {
      this.#slices.push({ work, start });
      waiting.add(this);
      scheduleTurn();
    });
  }

  /** Drops the slices that wait. Their promises never settle. */
  drop(): void {
    this.#slices = [];
    this.#next = 0;
    waiting.delete(this);
  }

  /** Starts as many slices as a turn has room for, at least one. Returns whether more slices wait. */
  startNext(): boolean {
    this.#workInTurn = 0;
    for (; this.#next < this.#slices.length; this.#next++) {
      const slice = this.#slices[this.#next];
      if (slice === undefined || (this.#workInTurn > 0 && this.#workInTurn + slice.work > maxWorkPerTurn)) {
        return true;
      }
      this.#workInTurn += slice.work;
      slice.start();
    }
    this.drop();
    return false;
  }
}

function scheduleTurn(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(runTurn);
}

function runTurn(): void {
  isScheduled = false;
  const [turns] = waiting;
  if (turns === undefined) return;
  waiting.delete(turns);
  if (turns.startNext()) waiting.add(turns);
  if (waiting.size > 0) scheduleTurn();
}
