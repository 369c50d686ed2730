// Divides work on large lists and results into turns of the event loop. In each turn, one of them gets one slice done. So however many are
// in progress, other requests wait for one slice at most.

/**
 * Maximum work of one turn, in fields without arguments: about 10 ms. A promise for each row and more garbage make smaller
 * slices slower, and lists of a few hundred rows with them.
 */
export const maxWorkPerTurn = 10_000;

/** Work that waits for a turn. */
interface Slice {
  readonly work: number;
  readonly start: () => void;
}

// An operation with less work, in fields, never waits: it costs less than the turns would.
const smallWork = 250;

// Only so many operations alternate. The others wait, so that their unfinished results do not take memory all at the same time.
const maxAlternating = 4;

// Operations that alternate, and steps that have a result, the next one first.
const alternating: Turns[] = [];
// Operations that wait for another one to end, the next one first.
const waiting = new Set<Turns>();
let isScheduled = false;
// Work of the current turn, of operations that did not wait.
let workInTurn = 0;

/** The turns of one operation, or of one step of it. The first one is the turn in which the operation or step starts. */
export class Turns {
  readonly #hasResult: boolean;
  // Work of this operation that did not wait.
  #workAtOnce = 0;
  #slices: Slice[] = [];
  // Index of the next slice. Removing each slice from the array would make the work quadratic.
  #next = 0;

  /** With `hasResult`, the step has a whole result in memory, so it alternates at once instead of waiting for another operation to end. */
  constructor({ hasResult = false }: { readonly hasResult?: boolean } = {}) {
    this.#hasResult = hasResult;
  }

  /** Takes part of the current turn. Returns undefined if it has room for this much work, otherwise a promise of a later turn. */
  take(work: number): Promise<void> | undefined {
    if (this.#slices.length === 0 && (this.#workAtOnce + work <= smallWork || workInTurn + work <= maxWorkPerTurn)) {
      this.#workAtOnce += work;
      workInTurn += work;
      scheduleTurn();
      return undefined;
    }
    return new Promise((start) => {
      this.#slices.push({ work, start });
      if (!alternating.includes(this)) {
        if (this.#hasResult) alternating.push(this);
        else waiting.add(this);
      }
      scheduleTurn();
    });
  }

  /** Drops the slices that wait. Their promises never settle. */
  drop(): void {
    this.#slices = [];
    this.#next = 0;
    waiting.delete(this);
    const index = alternating.indexOf(this);
    if (index >= 0) alternating.splice(index, 1);
  }

  /** Starts as many slices as a turn has room for, at least one. Returns whether more slices wait. */
  startNext(): boolean {
    let work = 0;
    for (; this.#next < this.#slices.length; this.#next++) {
      const slice = this.#slices[this.#next];
      if (slice === undefined || (work > 0 && work + slice.work > maxWorkPerTurn)) {
        return true;
      }
      work += slice.work;
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
  workInTurn = 0;
  for (const turns of waiting) {
    if (alternating.length >= maxAlternating) break;
    waiting.delete(turns);
    alternating.push(turns);
  }
  const turns = alternating.shift();
  if (turns?.startNext() === true) alternating.push(turns);
  if (alternating.length + waiting.size > 0) scheduleTurn();
}
