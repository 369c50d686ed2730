// The result budget of one operation or event: how many fields its result may have (MAX_RESULT_FIELDS). Every list field takes its rows
// from the budget before graphql-js or graphql-jit executes them, so that the work stops when the limit is exceeded.
import { maxWorkPerTurn, Turns } from '../../turns.js';
import type { RowSize } from './selected-fields.js';

/** Rejects an operation whose result would exceed a limit. The client gets its message unchanged. */
export class ResultTooLargeError extends Error {
  #outcomeUnknown = false;

  /** Whether the client cannot see from the response which writes were sent. */
  get outcomeUnknown(): boolean {
    return this.#outcomeUnknown;
  }

  /** Marks the error as that of a mutation. Appends to the message what to check before a retry. */
  withUnknownOutcome(): this {
    this.#outcomeUnknown = true;
    this.message = `${this.message} The writes of this mutation may have been sent. Before you retry, check what they were to change.`;
    return this;
  }
}

const advice = 'Select fewer fields, or fewer rows with first or filter, or send several requests.';

/** Creates the error for a result with more than `maxFields` fields. */
export function createTooManyFieldsError(maxFields: number): ResultTooLargeError {
  return new ResultTooLargeError(
    `The result would have more than ${maxFields} fields in the rows of its lists (MAX_RESULT_FIELDS). ${advice}`,
  );
}

/**
 * Maximum length of a result, in characters of its JSON. A result with the default MAX_RESULT_FIELDS has about a third of it. A longer one
 * repeats long strings of the REST API, whose responses have up to 10 MiB.
 */
export const maxResultLength = 32 * 1024 * 1024;

/** Creates the error for a result with more than `maxResultLength` characters. */
export function createTooLongError(): ResultTooLargeError {
  return new ResultTooLargeError(`The result would be longer than ${maxResultLength} characters. ${advice}`);
}

/** The result budget of one operation or event. */
export class ResultBudget {
  /** Maximum number of fields; 0: no limit. */
  readonly maxFields: number;
  /** The API key that the result is for; undefined without one. */
  readonly caller: string | undefined;
  readonly #turns: Turns;
  readonly #cancelReads: () => void;
  #fields = 0;
  #announced = 0;
  #textLength = 0;
  #stopReason: Error | undefined;
  #onStop: ((reason: Error) => void) | undefined;

  /** `cancelReads` cancels the REST reads in flight and rejects later ones. It is called when the operation stops. */
  constructor(maxFields: number, caller: string | undefined, cancelReads: () => void) {
    this.maxFields = maxFields;
    this.caller = caller;
    this.#turns = new Turns({ caller });
    this.#cancelReads = cancelReads;
  }

  /** Number of fields taken so far. */
  get fields(): number {
    return this.#fields;
  }

  /** Why the operation has stopped; undefined if it has not. */
  get stopReason(): Error | undefined {
    return this.#stopReason;
  }

  /** Throws the reason if the operation has stopped. */
  throwIfStopped(): void {
    if (this.#stopReason !== undefined) throw this.#stopReason;
  }

  /**
   * Takes the rows of a list, each of the same size. Returns the rows, and promises of those that must wait for a later turn of the event loop.
   * If all must wait, returns a promise of that. Throws ResultTooLargeError, and stops the operation, if the result would have too many fields.
   */
  takeRows<T>(
    rows: readonly T[],
    rowSize: RowSize,
  ): readonly (T | Promise<T>)[] | Promise<readonly (T | Promise<T>)[]> {
    this.#fields += rows.length * rowSize.fields;
    if (this.maxFields > 0 && this.#fields > this.maxFields) this.stop(createTooManyFieldsError(this.maxFields));
    this.throwIfStopped();
    const rowsPerTurn = Math.max(1, Math.floor(maxWorkPerTurn / rowSize.work));
    const [turn, ...laterTurns] = this.#takeTurns(rows.length, rowsPerTurn, rowSize.work);
    const toRows = () => this.#toRows(rows, rowsPerTurn, laterTurns);
    // The promises of all rows take much memory, so they are made in the first turn.
    return turn === undefined ? toRows() : turn.then(toRows);
  }

  /**
   * Waits for a turn of the event loop that has room for work other than rows, in fields. Rejects if the operation has stopped, and does
   * not settle if it stops meanwhile and `onStop` has a listener.
   */
  async takeWork(work: number): Promise<void> {
    await this.#turns.take(work);
    this.throwIfStopped();
  }

  /**
   * Announces rows of a list before they are taken. Throws ResultTooLargeError, and stops the operation, if those announced so far exceed the
   * limit by their number alone. So lists that are made before the first one is taken stay within it.
   */
  announceRows(count: number): void {
    this.#announced += count;
    if (this.maxFields > 0 && this.#announced > this.maxFields) this.stop(createTooManyFieldsError(this.maxFields));
    this.throwIfStopped();
  }

  /**
   * Takes texts that the gateway makes, by their length in characters. Throws ResultTooLargeError, and stops the operation, if they alone make
   * the result too long. So it need not hold all of them to find out.
   */
  takeText(length: number): void {
    this.#textLength += length;
    if (this.#textLength > maxResultLength) this.stop(createTooLongError());
    this.throwIfStopped();
  }

  /**
   * Stops the operation: cancels its REST reads, and executes no further rows. Has no effect after the first call. The listener of `onStop`
   * receives `reason`; without a listener, the rows that wait fail with it.
   */
  stop(reason: Error): void {
    if (this.#stopReason !== undefined) return;
    this.#stopReason = reason;
    this.#cancelReads();
    if (this.#onStop === undefined) return;
    this.#turns.drop();
    this.#onStop(reason);
  }

  /** Sets the listener for the end of the operation by `stop`. It must no longer wait for the result, which may never settle then. */
  onStop(listener: (reason: Error) => void): void {
    this.#onStop = listener;
    if (this.#stopReason !== undefined) listener(this.#stopReason);
  }

  #takeTurns(rowCount: number, rowsPerTurn: number, workPerRow: number): readonly (Promise<void> | undefined)[] {
    const turns = [];
    for (let begin = 0; begin < rowCount; begin += rowsPerTurn) {
      turns.push(this.#turns.take(Math.min(rowCount - begin, rowsPerTurn) * workPerRow));
    }
    return turns;
  }

  #toRows<T>(
    rows: readonly T[],
    rowsPerTurn: number,
    laterTurns: readonly (Promise<void> | undefined)[],
  ): readonly (T | Promise<T>)[] {
    this.throwIfStopped();
    if (laterTurns.length === 0) return rows;
    return rows.map((row, index) => {
      const turn = index < rowsPerTurn ? undefined : laterTurns[Math.floor(index / rowsPerTurn) - 1];
      return turn === undefined ? row : turn.then(() => this.#checked(row));
    });
  }

  #checked<T>(value: T): T {
    this.throwIfStopped();
    return value;
  }
}
