// Work under way and who waits for it: several may wait for one piece of work, and the last to go away ends it. Reads that are
// alike share a flight while it lasts, and what is made of what it brings; it knows nothing of HTTP, nor what comes of a flight.
import type { CloudcaError } from '../errors.js';

/** Tells a piece of work that nobody waits for it any more. An AbortSignal would do: making one and listening to it costs ten times as much. */
export class Cancellation {
  #reason: CloudcaError | undefined;
  #tell: ((reason: CloudcaError) => void) | undefined;

  /** Why nobody waits any more; undefined while somebody does. */
  get reason(): CloudcaError | undefined {
    return this.#reason;
  }

  /** Has the one who does the work told, when it is cancelled from here on; undefined: nobody is told. */
  onCancel(tell: ((reason: CloudcaError) => void) | undefined): void {
    this.#tell = tell;
  }

  /** Cancels the work. */
  cancel(reason: CloudcaError): void {
    this.#reason = reason;
    this.#tell?.(reason);
  }
}

/** Work under way that several may wait for. */
export class Flight<T> {
  readonly #cancellation = new Cancellation();
  readonly #outcome: Promise<T>;
  #passengers = 0;
  #isShared = false;

  /** Begins the work. It is cancelled when nobody waits for it any more, with the last one's reason. */
  constructor(work: (cancellation: Cancellation) => Promise<T>) {
    this.#outcome = work(this.#cancellation);
  }

  /** Has somebody wait: told, once, what comes of it, or why nothing does. */
  board(landed: (value: T) => void, failed: (error: unknown) => void): void {
    this.#passengers++;
    this.#outcome.then(landed, failed);
  }

  /** Says that several wait, or will: what comes of it is shared. */
  share(): void {
    if (this.#isShared) return;
    this.#isShared = true;
    this.#outcome.then(
      (value) => {
        if (typeof value === 'object' && value !== null) shared.add(value);
      },
      () => undefined,
    );
  }

  /** Says that one of those who wait does so no more; the work ends with the last. */
  leave(reason: CloudcaError): void {
    this.#passengers--;
    if (this.#passengers === 0) this.#cancellation.cancel(reason);
  }

  /** Has somebody told, once, when nothing will come of it any more: it has landed, well or not. */
  onLanding(tell: () => void): void {
    this.#outcome.then(tell, tell);
  }

  /** Whether it was ended before it landed. */
  get isCancelled(): boolean {
    return this.#cancellation.reason !== undefined;
  }
}

/** The reads under way that others may join, by key and by address: two keys never share one. */
export class Flights<T> {
  readonly #ofKeys = new Map<string, Map<string, Flight<T>>>();
  #joined = 0;

  /** How often one that was under way has been joined. */
  get joined(): number {
    return this.#joined;
  }

  /** How many can be joined. */
  get size(): number {
    return [...this.#ofKeys.values()].reduce((sum, flights) => sum + flights.size, 0);
  }

  /** The flight of a key to an address: the one under way, or else the one that `begin` begins. */
  join(apiKey: string, url: string, begin: () => Flight<T>): Flight<T> {
    const ofKey = this.#ofKeys.get(apiKey) ?? new Map<string, Flight<T>>();
    const underWay = ofKey.get(url);
    if (underWay?.isCancelled === false) {
      this.#joined++;
      underWay.share();
      return underWay;
    }
    const flight = begin();
    ofKey.set(url, flight);
    this.#ofKeys.set(apiKey, ofKey);
    flight.onLanding(() => {
      // By then another one may have taken its place, or the key's may have been closed.
      if (ofKey.get(url) === flight) ofKey.delete(url);
      if (ofKey.size === 0 && this.#ofKeys.get(apiKey) === ofKey) this.#ofKeys.delete(apiKey);
    });
    return flight;
  }

  /** Lets nobody join what a key has under way: a read that begins from here on may see more than those do. */
  close(apiKey: string): void {
    this.#ofKeys.delete(apiKey);
  }
}

// What came of flights that several waited for, and what is made of it.
const shared = new WeakSet<object>();

/** Has a part of something be shared where the whole is; gives the part. */
export function shareWith<T>(whole: object, part: T): T {
  if (shared.has(whole) && typeof part === 'object' && part !== null) shared.add(part);
  return part;
}

/**
 * Has something made of what a flight has brought, or of what was made of that: once for all who waited for it, where several did. What else it is
 * made from must be the same for all of them.
 */
export function createShared<Brought extends object, Others extends readonly unknown[], Made extends object>(
  make: (brought: Brought, ...others: Others) => Made,
): (brought: Brought, ...others: Others) => Made {
  const known = new WeakMap<Brought, Made>();
  return (brought, ...others) => {
    // To remember each would take the collector longer than it takes to make most.
    if (!shared.has(brought)) return make(brought, ...others);
    const made = known.get(brought) ?? shareWith(brought, make(brought, ...others));
    known.set(brought, made);
    return made;
  };
}
