// Coalesces identical reads: sessions of one key that read the same URL at the same time share one in-flight call. The last waiter to be
// removed cancels it. Knows nothing of HTTP.
import type { CloudcaError } from '../errors.js';
import { Cancellation } from './cancellation.js';

/** A call in flight, which several sessions may wait for. */
export class InFlightCall<T> {
  readonly #cancellation = new Cancellation();
  readonly #outcome: Promise<T>;
  #waiters = 0;
  #isShared = false;

  /** Starts the call. It is cancelled when its last waiter is removed, with that waiter's reason. */
  constructor(start: (cancellation: Cancellation) => Promise<T>) {
    this.#outcome = start(this.#cancellation);
  }

  /** Adds a waiter. Exactly one of the callbacks runs, once. */
  addWaiter(onValue: (value: T) => void, onError: (error: unknown) => void): void {
    this.#waiters++;
    this.#outcome.then(onValue, onError);
  }

  /** Marks the value as shared, since several sessions wait for it or will. */
  markShared(): void {
    if (this.#isShared) return;
    this.#isShared = true;
    this.#outcome.then(
      (value) => {
        if (typeof value === 'object' && value !== null) shared.add(value);
      },
      () => undefined,
    );
  }

  /** Counts one waiter less; its callbacks still run. Cancels the call at zero. */
  removeWaiter(reason: CloudcaError): void {
    this.#waiters--;
    if (this.#waiters === 0) this.#cancellation.cancel(reason);
  }

  /** Runs a callback once the call has succeeded or failed. */
  onSettled(callback: () => void): void {
    this.#outcome.then(callback, callback);
  }

  /** Whether the call was cancelled. */
  get isCancelled(): boolean {
    return this.#cancellation.reason !== undefined;
  }
}

/** The in-flight reads that other sessions may join, by API key and URL. Two keys never share a call. */
export class Singleflight<T> {
  readonly #callsByKey = new Map<string, Map<string, InFlightCall<T>>>();
  #coalesced = 0;

  /** The number of reads that joined a call already in flight for the same key and URL, since the start. */
  get coalesced(): number {
    return this.#coalesced;
  }

  /** The number of calls that can be joined now. */
  get size(): number {
    return [...this.#callsByKey.values()].reduce((sum, calls) => sum + calls.size, 0);
  }

  /** Returns the in-flight call of a key for a URL, or starts one. */
  join(apiKey: string, url: string, start: () => InFlightCall<T>): InFlightCall<T> {
    const calls = this.#callsByKey.get(apiKey) ?? new Map<string, InFlightCall<T>>();
    const inFlight = calls.get(url);
    if (inFlight?.isCancelled === false) {
      this.#coalesced++;
      inFlight.markShared();
      return inFlight;
    }
    const call = start();
    calls.set(url, call);
    this.#callsByKey.set(apiKey, calls);
    call.onSettled(() => {
      // Another call may have replaced this one by now, or `forget` may have dropped the key's map.
      if (calls.get(url) === call) calls.delete(url);
      if (calls.size === 0 && this.#callsByKey.get(apiKey) === calls) this.#callsByKey.delete(apiKey);
    });
    return call;
  }

  /** Keeps later reads of a key from joining calls that are in flight now: those may have started before a write of that key. */
  forget(apiKey: string): void {
    this.#callsByKey.delete(apiKey);
  }
}

// Values of calls that several sessions joined, and parts of such values.
const shared = new WeakSet<object>();

/**
 * Marks `part` as shared if `whole` is: if it is the value of a call that several sessions joined, or a part of one. Returns `part`.
 * memoizePerSharedValue caches what is derived from shared values.
 */
export function markSharedWith<T>(whole: object, part: T): T {
  if (shared.has(whole) && typeof part === 'object' && part !== null) shared.add(part);
  return part;
}

/**
 * Memoizes `derive` per shared value (see markSharedWith), so that all sessions that joined a call get the same derived value. Values that
 * are not shared are derived each time. The other arguments are those of the first session: those of any other must give the same result.
 * Side effects, such as warnings, reach the first session only.
 */
export function memoizePerSharedValue<Value extends object, Others extends readonly unknown[], Derived extends object>(
  derive: (value: Value, ...others: Others) => Derived,
): (value: Value, ...others: Others) => Derived {
  const cache = new WeakMap<Value, Derived>();
  return (value, ...others) => {
    // Garbage collection of an entry for each value would cost more than deriving most of them again.
    if (!shared.has(value)) return derive(value, ...others);
    const derived = cache.get(value) ?? markSharedWith(value, derive(value, ...others));
    cache.set(value, derived);
    return derived;
  };
}
