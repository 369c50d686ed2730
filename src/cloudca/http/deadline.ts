// The deadline of one operation's REST work. It ends every wait for a call or a retry delay that has not settled, as a cancellation does.
import { type CloudcaError, TimeoutError } from '../errors.js';
import type { InFlightCall } from './singleflight.js';

/** Whether a wait may be cancelled when the client disconnects: reads may, writes finish. */
export type WaitKind = 'read' | 'write';

/** The message of a TimeoutError. */
export const timeoutMessage = 'The REST API did not respond in time.';

interface Wait {
  readonly kind: WaitKind;
  /** Rejects the wait, and cancels the call if no other session waits for it. */
  readonly reject: (error: CloudcaError) => void;
}

/** A deadline and the waits under it. One timer serves all of them. */
export class Deadline {
  readonly #timeoutMs: number;
  readonly #busy: Set<Deadline>;
  readonly #waits = new Set<Wait>();
  #expiresAt: number;
  #timer: NodeJS.Timeout | undefined;

  /** Starts now. Keeps itself in `busy` for as long as it has waits. */
  constructor(timeoutMs: number, busy: Set<Deadline>) {
    this.#timeoutMs = timeoutMs;
    this.#busy = busy;
    this.#expiresAt = performance.now() + timeoutMs;
  }

  /** When it expires, in milliseconds on the clock of performance.now(). */
  get expiresAt(): number {
    return this.#expiresAt;
  }

  /** Restarts the deadline. */
  renew(): void {
    this.#expiresAt = performance.now() + this.#timeoutMs;
  }

  /** Postpones the deadline by time that was not spent on REST work, in milliseconds. */
  extend(milliseconds: number): void {
    this.#expiresAt += milliseconds;
  }

  /**
   * Starts a call and waits for it. Rejects with the call's own error, or with TimeoutError at the deadline. Does not start the call if the
   * deadline has passed.
   */
  run<T>(kind: WaitKind, start: () => InFlightCall<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const remaining = this.#expiresAt - performance.now();
      if (remaining <= 0) throw new TimeoutError(timeoutMessage, { neverSent: true });
      const call = start();
      const wait: Wait = {
        kind,
        reject: (error) => {
          this.#remove(wait);
          reject(error);
          call.removeWaiter(error);
        },
      };
      this.#waits.add(wait);
      this.#busy.add(this);
      this.#timer ??= this.#startTimer(remaining);
      // The wait is removed before the code that awaits it continues.
      const removeThen =
        <V>(settle: (value: V) => void) =>
        (value: V) => {
          this.#remove(wait);
          settle(value);
        };
      call.addWaiter(removeThen<T>(resolve), removeThen<unknown>(reject));
    });
  }

  /** Rejects the waits of one kind, or all of them, each with an error that `toError` creates for it. */
  cancelWaits(toError: () => CloudcaError, kind?: WaitKind): void {
    for (const wait of [...this.#waits]) {
      if (kind === undefined || wait.kind === kind) wait.reject(toError());
    }
  }

  #remove(wait: Wait): void {
    this.#waits.delete(wait);
    if (this.#waits.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#busy.delete(this);
  }

  #startTimer(milliseconds: number): NodeJS.Timeout {
    const expiresAt = this.#expiresAt;
    return setTimeout(
      () => {
        // The deadline may have been extended since the timer started.
        if (this.#expiresAt === expiresAt) this.cancelWaits(() => new TimeoutError(timeoutMessage));
        else this.#timer = this.#startTimer(this.#expiresAt - performance.now());
      },
      // Node keeps timers of one length in one list: whole milliseconds keep the number of lists small.
      Math.ceil(milliseconds),
    );
  }
}
