// Limits how many operations run at a time, in the process and for one key, and queues those above the limit fairly among keys. Knows
// neither what an operation does nor how a rejection is reported.

/** The limits of a ConcurrencyLimiter. */
export interface ConcurrencyLimits {
  /** Permits in the process; 0: no limit. */
  readonly max: number;
  /** Permits of one key; 0: no limit. */
  readonly maxPerKey: number;
  /** Entries in the queue, in the process; 0: no queue. */
  readonly maxQueued: number;
  /** Maximum time that an entry may queue, in milliseconds. */
  readonly maxQueueMs: number;
}

/** Which limit is reached: that of the process or that of the key. */
export type LimitScope = 'process' | 'key';

/** Allows one operation to run. Counts towards the limits until it is paused or released. */
export interface Permit {
  /** Stops counting, while the operation waits rather than works. */
  readonly pause: () => void;
  /** Counts again, even if that exceeds a limit. Does nothing after `release`. */
  readonly resume: () => void;
  /** Stops counting for good. */
  readonly release: () => void;
}

interface QueueEntry {
  readonly admit: () => void;
  readonly reject: (scope: LimitScope) => void;
}

/** Grants permits up to its limits. */
export class ConcurrencyLimiter {
  readonly #limits: ConcurrencyLimits;
  readonly #toError: (scope: LimitScope) => Error;
  // Keys without active permits, and keys without queue entries, have no entry here.
  readonly #activeByKey = new Map<string, number>();
  // Keys in the order of their turns; the entries of a key in the order of their arrival.
  readonly #queues = new Map<string, QueueEntry[]>();
  #active = 0;
  #queued = 0;

  /** `toError` creates the error of a rejection. */
  constructor(limits: ConcurrencyLimits, toError: (scope: LimitScope) => Error) {
    this.#limits = limits;
    this.#toError = toError;
  }

  /** The number of entries in the queue. */
  get queued(): number {
    return this.#queued;
  }

  /** Reports whether `acquire` would succeed for a key. If so, the key has no queue entries. */
  canAcquire(key: string): boolean {
    return this.#reachedLimit(key) === undefined;
  }

  /** Grants a permit at once. Throws the error of `toError` if a limit is reached. */
  acquire(key: string): Permit {
    const scope = this.#reachedLimit(key);
    if (scope !== undefined) throw this.#toError(scope);
    return this.#grant(key);
  }

  /**
   * Grants a permit, at once or from a queue that is round-robin among keys. Rejects with the error of `toError` if:
   *
   * - the queue is full and has no entry to evict;
   * - the entry is evicted for one of a key with fewer entries;
   * - `maxQueueMs` have passed;
   * - `stop` aborts.
   */
  acquireWhenAvailable(key: string, stop: AbortSignal): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const scope = this.#reachedLimit(key);
      if (scope === undefined) {
        resolve(this.#grant(key));
        return;
      }
      if (stop.aborted || !this.#ensureQueueSpace(key)) {
        reject(this.#toError(scope));
        return;
      }
      const end = () => {
        clearTimeout(timer);
        stop.removeEventListener('abort', onStop);
        this.#removeFromQueue(key, entry);
      };
      const entry: QueueEntry = {
        admit: () => {
          end();
          resolve(this.#grant(key));
        },
        reject: (reachedScope) => {
          end();
          reject(this.#toError(reachedScope));
        },
      };
      const onStop = () => {
        entry.reject('process');
      };
      const timer = setTimeout(() => {
        entry.reject(this.#reachedLimit(key) ?? 'process');
      }, this.#limits.maxQueueMs);
      stop.addEventListener('abort', onStop);
      const queue = this.#queues.get(key) ?? [];
      queue.push(entry);
      this.#queues.set(key, queue);
      this.#queued++;
    });
  }

  #reachedLimit(key: string): LimitScope | undefined {
    const { max, maxPerKey } = this.#limits;
    if (max > 0 && this.#active >= max) return 'process';
    return maxPerKey > 0 && (this.#activeByKey.get(key) ?? 0) >= maxPerKey ? 'key' : undefined;
  }

  #grant(key: string): Permit {
    let isActive = false;
    let isReleased = false;
    const setActive = (active: boolean) => {
      if (active !== isActive) this.#count(key, active ? 1 : -1);
      isActive = active;
    };
    setActive(true);
    return {
      pause: () => {
        setActive(false);
      },
      resume: () => {
        if (!isReleased) setActive(true);
      },
      release: () => {
        isReleased = true;
        setActive(false);
      },
    };
  }

  #count(key: string, change: 1 | -1): void {
    this.#active += change;
    const count = (this.#activeByKey.get(key) ?? 0) + change;
    if (count === 0) this.#activeByKey.delete(key);
    else this.#activeByKey.set(key, count);
    if (change === -1) this.#admitQueued();
  }

  // Admits one entry of each key in turn, for as long as there are permits.
  #admitQueued(): void {
    for (const [key, queue] of this.#queues) {
      const scope = this.#reachedLimit(key);
      if (scope === 'process') return;
      if (scope === 'key') continue;
      // Moves the key behind the others, where this loop visits it again.
      this.#queues.delete(key);
      this.#queues.set(key, queue);
      queue[0]?.admit();
    }
  }

  // When the queue is full, evicts the newest entry of the key with the longest queue. That key must keep at least as many entries as the
  // new entry's key then has. Otherwise, returns false: the new entry must be rejected.
  #ensureQueueSpace(key: string): boolean {
    if (this.#queued < this.#limits.maxQueued) return true;
    let [longestKey, longest]: [string, readonly QueueEntry[]] = [key, this.#queues.get(key) ?? []];
    const ownLength = longest.length;
    for (const [otherKey, queue] of this.#queues) {
      if (queue.length > longest.length) [longestKey, longest] = [otherKey, queue];
    }
    if (longest.length <= ownLength + 1) return false;
    longest.at(-1)?.reject(this.#reachedLimit(longestKey) ?? 'process');
    return true;
  }

  #removeFromQueue(key: string, entry: QueueEntry): void {
    const queue = this.#queues.get(key) ?? [];
    queue.splice(queue.indexOf(entry), 1);
    if (queue.length === 0) this.#queues.delete(key);
    this.#queued--;
  }
}
