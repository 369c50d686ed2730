// Divides work on lists and results into turns of the event loop. In each turn, slices of some of them are done. Callers for whom less was
// done go first. So however much is in progress, other requests wait for one turn at most, and another caller's list for a few.

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

// A caller may have so much work done in each turn, in fields, even if the turn is full. A page of a list has less. All callers together may
// have as much as fills another turn.
const smallWork = 2_000;

// Only so many operations of a caller alternate. The others wait, so that their unfinished results do not take memory all at the same time.
const maxAlternating = 4;

// A large operation begins as if so much had been done for its caller: about two lists of 5,000 VPNs. So those of other callers that have
// begun end first, and the unfinished results of all callers do not take memory at the same time.
const workBeforeOthersBegin = 200_000;

/** Whom work is for: an API key, or undefined if there is none. */
type Caller = string | undefined;

/** The operations of one caller that want turns, or its complete results. */
interface Lane {
  readonly isEmpty: boolean;
  /** Whether the next operation has not begun, and is large. */
  readonly isToBegin: boolean;
  readonly add: (turns: Turns) => void;
  readonly remove: (turns: Turns) => void;
  /** Starts slices of the next one as `Turns.startNext` does. Returns their work: 0 if there is no room for one. */
  readonly startNext: (room: number, mustStart: boolean) => number;
}

/** Complete results, e.g. to make their text. They alternate. */
class ResultLane implements Lane {
  readonly isToBegin = false;
  // The next one first.
  readonly #results = new Set<Turns>();

  get isEmpty(): boolean {
    return this.#results.size === 0;
  }

  add(turns: Turns): void {
    this.#results.add(turns);
  }

  remove(turns: Turns): void {
    this.#results.delete(turns);
  }

  startNext(room: number, mustStart: boolean): number {
    const [next] = this.#results;
    const work = next?.startNext(room, mustStart) ?? 0;
    if (next === undefined || work === 0) return 0;
    this.#results.delete(next);
    if (next.hasSlices) this.#results.add(next);
    return work;
  }
}

/** Operations. Some of those that have rows alternate. */
class OperationLane implements Lane {
  // The next one first.
  readonly #alternating: Turns[] = [];
  // Operations that wait for another one to end, the next one first.
  readonly #waiting = new Set<Turns>();
  // First steps, which wait for both. Otherwise the rows of all operations would take memory at the same time.
  readonly #firstSteps = new Set<Turns>();

  get isEmpty(): boolean {
    return this.#alternating.length + this.#waiting.size + this.#firstSteps.size === 0;
  }

  get isToBegin(): boolean {
    const [firstStep] = this.#firstSteps;
    return this.#alternating.length + this.#waiting.size === 0 && (firstStep?.nextWork ?? 0) > smallWork;
  }

  add(turns: Turns): void {
    if (this.#alternating.includes(turns)) return;
    if (turns.isFirstStep) this.#firstSteps.add(turns);
    else this.#waiting.add(turns);
  }

  remove(turns: Turns): void {
    this.#waiting.delete(turns);
    this.#firstSteps.delete(turns);
    const index = this.#alternating.indexOf(turns);
    if (index >= 0) this.#alternating.splice(index, 1);
  }

  startNext(room: number, mustStart: boolean): number {
    for (const turns of this.#waiting) {
      if (this.#alternating.length >= maxAlternating) break;
      this.#waiting.delete(turns);
      this.#alternating.push(turns);
    }
    const [next] = this.#alternating.length > 0 ? this.#alternating : this.#firstSteps;
    const work = next?.startNext(room, mustStart) ?? 0;
    if (next === undefined || work === 0) return 0;
    this.remove(next);
    if (next.hasSlices) this.#putBehind(next);
    return work;
  }

  #putBehind(turns: Turns): void {
    if (turns.isFirstStep) this.#firstSteps.add(turns);
    else this.#alternating.push(turns);
  }
}

/** The work done for each caller while others wait. */
class DoneWork {
  readonly #byCaller = new Map<Caller, number>();
  // The least that a waiting caller has had. Others have had no less, so a caller that comes back does not go first for long.
  #least = 0;

  get(caller: Caller): number {
    return Math.max(this.#byCaller.get(caller) ?? 0, this.#least);
  }

  add(caller: Caller, work: number): void {
    this.#byCaller.set(caller, this.get(caller) + work);
  }

  /** Sets the callers that wait. Forgets callers that have had no more than the least of them. */
  update(waiting: readonly Caller[]): void {
    this.#least = waiting.reduce((least: number, caller) => Math.min(least, this.get(caller)), Infinity);
    for (const [caller, work] of this.#byCaller) if (work <= this.#least) this.#byCaller.delete(caller);
    if (waiting.length === 0) this.#least = 0;
  }
}

/** The lanes of one kind. */
class Lanes {
  readonly #done: DoneWork;
  readonly #createLane: () => Lane;
  // Lanes whose callers must have none there when a large operation begins.
  readonly #before: Lanes | undefined;
  // The next one first, of callers that have had the same. Callers that want no turn have no lane.
  readonly #lanes = new Map<Caller, Lane>();

  constructor(done: DoneWork, createLane: () => Lane, before?: Lanes) {
    this.#done = done;
    this.#createLane = createLane;
    this.#before = before;
  }

  /** The callers that want turns. */
  get callers(): readonly Caller[] {
    return [...this.#lanes.keys()];
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0;
  }

  has(caller: Caller): boolean {
    return this.#lanes.has(caller);
  }

  add(caller: Caller, turns: Turns): void {
    const lane = this.#lanes.get(caller) ?? this.#createLane();
    lane.add(turns);
    this.#lanes.set(caller, lane);
  }

  remove(caller: Caller, turns: Turns): void {
    const lane = this.#lanes.get(caller);
    lane?.remove(turns);
    if (lane?.isEmpty === true) this.#lanes.delete(caller);
  }

  /** Starts slices for callers, those with the least work done first. Returns the room that is left. With `mustStart`, starts at least one. */
  start(room: number, mustStart: boolean): number {
    let left = room;
    for (let isDue = mustStart; !this.isEmpty; isDue = false) {
      const work = this.#startNext(left, isDue);
      if (work === 0) break;
      left -= work;
    }
    return left;
  }

  #startNext(room: number, mustStart: boolean): number {
    let next: [Caller, Lane] | undefined;
    let least = Infinity;
    for (const entry of this.#lanes) {
      const [caller, lane] = entry;
      const { isToBegin } = lane;
      if (isToBegin && this.#before?.has(caller) === true) continue;
      const done = this.#done.get(caller) + (isToBegin ? workBeforeOthersBegin : 0);
      if (done >= least) continue;
      least = done;
      next = entry;
    }
    if (next === undefined) return 0;
    const [caller, lane] = next;
    const work = lane.startNext(room, mustStart);
    if (work === 0) return 0;
    this.#done.add(caller, work);
    this.#lanes.delete(caller);
    if (!lane.isEmpty) this.#lanes.set(caller, lane);
    return work;
  }
}

const done = new DoneWork();
// They go before operations, since they take more memory.
const results = new Lanes(done, () => new ResultLane());
const operations = new Lanes(done, () => new OperationLane(), results);
let isScheduled = false;
// Work of the current turn: in all, of callers that did not wait, and what of that is beyond a full turn.
let workInTurn = 0;
const workOfCaller = new Map<Caller, number>();
let smallWorkInTurn = 0;

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
  readonly #caller: Caller;
  readonly #lanes: Lanes;
  #slices: Slice[] = [];
  // Index of the next slice. Removing each slice from the array would make the work quadratic.
  #next = 0;

  /** A step that has a result goes before operations. A first step waits for operations of its caller that have rows. */
  constructor({ caller, isFirstStep = false, hasResult = false }: TurnsOptions) {
    this.#caller = caller;
    this.isFirstStep = isFirstStep;
    this.#lanes = hasResult ? results : operations;
  }

  /** Whether slices wait. */
  get hasSlices(): boolean {
    return this.#next < this.#slices.length;
  }

  /** The work of the next slice, 0 if none waits. */
  get nextWork(): number {
    return this.#slices[this.#next]?.work ?? 0;
  }

  /** Takes part of the current turn. Returns undefined if it has room for this much work, otherwise a promise of a later turn. */
  take(work: number): Promise<void> | undefined {
    scheduleTurn();
    if (!this.hasSlices && this.#mayStart(work)) return undefined;
    return new Promise((start) => {
      // Each slice takes something: without work, nothing would seem to have started.
      this.#slices.push({ work: Math.max(1, work), start });
      this.#lanes.add(this.#caller, this);
    });
  }

  #mayStart(work: number): boolean {
    const workSoFar = workOfCaller.get(this.#caller) ?? 0;
    if (workInTurn + work > maxWorkPerTurn) {
      if (workSoFar + work > smallWork || smallWorkInTurn + work > maxWorkPerTurn) return false;
      smallWorkInTurn += work;
    }
    workInTurn += work;
    if (isBusy()) done.add(this.#caller, work);
    workOfCaller.set(this.#caller, workSoFar + work);
    return true;
  }

  /** Drops the slices that wait. Their promises never settle. */
  drop(): void {
    this.#slices = [];
    this.#next = 0;
    this.#lanes.remove(this.#caller, this);
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

function isBusy(): boolean {
  return !operations.isEmpty || !results.isEmpty;
}

function scheduleTurn(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(runTurn);
}

function runTurn(): void {
  isScheduled = false;
  workOfCaller.clear();
  smallWorkInTurn = 0;
  done.update([...operations.callers, ...results.callers]);
  const room = results.start(maxWorkPerTurn, true);
  // However many results there are, an operation has one slice in each turn.
  workInTurn = maxWorkPerTurn - operations.start(room, true);
  if (workInTurn > 0 || isBusy()) scheduleTurn();
}
