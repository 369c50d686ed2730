// Divides work on lists and results into turns of the event loop. In each turn, slices of some of them are done, of each caller in turn. So
// however many are in progress, other requests wait for one turn at most, and another caller's list for a few.

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

// A caller may have so much work done in each turn, in fields, even if the turn is full. A page of a list has less.
const smallWork = 2_000;

// Only so many operations of a caller alternate. The others wait, so that their unfinished results do not take memory all at the same time.
const maxAlternating = 4;

/** The operations of one caller that want turns. */
class Lane {
  // The next one first.
  readonly #alternating: Turns[] = [];
  // Operations that wait for another one to end, the next one first.
  readonly #waiting = new Set<Turns>();
  // First steps, which wait for those too. Otherwise the rows of all operations would take memory at the same time.
  readonly #waitingToBegin = new Set<Turns>();

  get isEmpty(): boolean {
    return this.#alternating.length + this.#waiting.size + this.#waitingToBegin.size === 0;
  }

  add(turns: Turns): void {
    if (this.#alternating.includes(turns)) return;
    if (turns.isFirstStep) this.#waitingToBegin.add(turns);
    else this.#waiting.add(turns);
  }

  remove(turns: Turns): void {
    this.#waiting.delete(turns);
    this.#waitingToBegin.delete(turns);
    const index = this.#alternating.indexOf(turns);
    if (index >= 0) this.#alternating.splice(index, 1);
  }

  /** Starts slices of the next operation as `Turns.startNext` does. Returns their work: 0 if there is no room for one. */
  startNext(room: number, mustStart: boolean): number {
    while (this.#alternating.length < maxAlternating) {
      const [turns] = this.#waiting.size > 0 ? this.#waiting : this.#waitingToBegin;
      if (turns === undefined) break;
      this.remove(turns);
      this.#alternating.push(turns);
    }
    const [next] = this.#alternating;
    const work = next?.startNext(room, mustStart) ?? 0;
    if (next === undefined || work === 0) return 0;
    this.#alternating.shift();
    if (next.hasSlices) this.#alternating.push(next);
    return work;
  }
}

// By caller, the next one first. Callers that want no turn have no lane.
const lanes = new Map<string | undefined, Lane>();
// Results that are complete, e.g. to make their text, the next one first. They go before operations, since they take more memory.
const results = new Set<Turns>();
let isScheduled = false;
// Work of the current turn in all, and of callers that did not wait.
let workInTurn = 0;
const workOfCaller = new Map<string | undefined, number>();

/** Which other work goes first. */
export interface TurnsOptions {
  /** Whom the work is for, e.g. an API key. Callers take turns. */
  readonly caller?: string | undefined;
  /** Whether the step comes before an operation has rows, e.g. the parsing of a REST response. Default: false. */
  readonly isFirstStep?: boolean;
  /** Whether the step has a complete result in memory. Default: false. */
  readonly hasResult?: boolean;
}

/** The turns of one operation, or of one step of it. The first one is the turn in which the operation or step starts. */
export class Turns {
  /** Whether the step comes before there are rows. */
  readonly isFirstStep: boolean;
  readonly #caller: string | undefined;
  readonly #hasResult: boolean;
  #slices: Slice[] = [];
  // Index of the next slice. Removing each slice from the array would make the work quadratic.
  #next = 0;

  /** A step that has a result goes before operations. A first step waits for operations of its caller that have rows. */
  constructor({ caller, isFirstStep = false, hasResult = false }: TurnsOptions) {
    this.#caller = caller;
    this.isFirstStep = isFirstStep;
    this.#hasResult = hasResult;
  }

  /** Whether slices wait. */
  get hasSlices(): boolean {
    return this.#next < this.#slices.length;
  }

  /** Takes part of the current turn. Returns undefined if it has room for this much work, otherwise a promise of a later turn. */
  take(work: number): Promise<void> | undefined {
    scheduleTurn();
    if (!this.hasSlices && this.#mayStart(work)) return undefined;
    return new Promise((start) => {
      // Each slice takes something: without work, nothing would seem to have started.
      this.#slices.push({ work: Math.max(1, work), start });
      if (this.#hasResult) {
        results.add(this);
        return;
      }
      const lane = lanes.get(this.#caller) ?? new Lane();
      lane.add(this);
      lanes.set(this.#caller, lane);
    });
  }

  #mayStart(work: number): boolean {
    const workSoFar = workOfCaller.get(this.#caller) ?? 0;
    if (workInTurn + work > maxWorkPerTurn && workSoFar + work > smallWork) return false;
    workInTurn += work;
    workOfCaller.set(this.#caller, workSoFar + work);
    return true;
  }

  /** Drops the slices that wait. Their promises never settle. */
  drop(): void {
    this.#slices = [];
    this.#next = 0;
    results.delete(this);
    const lane = lanes.get(this.#caller);
    lane?.remove(this);
    if (lane?.isEmpty === true) lanes.delete(this.#caller);
  }

  /** Starts as many slices as there is room for; with `mustStart`, at least one. Returns their work. */
  startNext(room: number, mustStart: boolean): number {
    let work = 0;
    for (; this.#next < this.#slices.length; this.#next++) {
      const slice = this.#slices[this.#next];
      const isDue = mustStart && work === 0;
      if (slice === undefined || (work + slice.work > room && !isDue)) return work;
      work += slice.work;
      slice.start();
    }
    this.#slices = [];
    this.#next = 0;
    return work;
  }
}

function scheduleTurn(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(runTurn);
}

function runTurn(): void {
  isScheduled = false;
  workOfCaller.clear();
  let room = maxWorkPerTurn;
  for (const turns of results) {
    const work = turns.startNext(room, room === maxWorkPerTurn);
    if (work === 0) break;
    room -= work;
    results.delete(turns);
    if (turns.hasSlices) results.add(turns);
  }
  // However many results there are, an operation has one slice in each turn.
  let mustStart = true;
  // Visits a caller again after the others, since it is added again.
  for (const [caller, lane] of lanes) {
    const work = lane.startNext(room, mustStart);
    if (work === 0) break;
    mustStart = false;
    room -= work;
    lanes.delete(caller);
    if (!lane.isEmpty) lanes.set(caller, lane);
  }
  workInTurn = maxWorkPerTurn - room;
  if (workInTurn > 0 || lanes.size + results.size > 0) scheduleTurn();
}
