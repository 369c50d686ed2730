// Places for so many at a time, in all and of one key, and the queue of those who find none. It knows neither what is done in a place nor how
// a refusal is told.

/** How much room there is. */
export interface RoomLimits {
  /** Places in all; 0: no limit. */
  readonly most: number;
  /** Places of one key; 0: no limit. */
  readonly mostPerKey: number;
  /** How many may queue, in all; 0: nobody. */
  readonly mostQueued: number;
  /** For how long, in milliseconds. */
  readonly queueMs: number;
}

/** What there is no place in: the whole room, or a key's share of it. */
export type Full = 'room' | 'share';

/** Somebody's place: whoever waits steps out and in again, since waiting costs nobody anything. */
export interface Place {
  readonly step: (to: 'in' | 'out') => void;
}

/** Somebody in the queue. */
interface Queued {
  readonly admit: () => void;
  readonly refuse: (full: Full) => void;
}

/** Room for so many at a time. */
export class Room {
  readonly #limits: RoomLimits;
  readonly #toRefusal: (full: Full) => Error;
  // A key that has nobody inside, or nobody in the queue, is forgotten.
  readonly #inside = new Map<string, number>();
  // The keys in the order of their turns; those of one key in the order in which they came.
  readonly #queues = new Map<string, Queued[]>();
  #all = 0;
  #queued = 0;

  /** `toRefusal` makes what is thrown where there is no place. */
  constructor(limits: RoomLimits, toRefusal: (full: Full) => Error) {
    this.#limits = limits;
    this.#toRefusal = toRefusal;
  }

  /** How many queue. */
  get queued(): number {
    return this.#queued;
  }

  /** Whether there is a place for one more of a key: then nobody of that key queues. */
  hasPlaceFor(callerId: string): boolean {
    return this.#toFull(callerId) === undefined;
  }

  /** Lets one in at once. Throws where there is no place. */
  enter(callerId: string): Place {
    const full = this.#toFull(callerId);
    if (full !== undefined) throw this.#toRefusal(full);
    return this.#take(callerId);
  }

  /** Lets one in when it is its turn. Rejects where the queue is full, the time is over, or `stop` aborts. */
  queue(callerId: string, stop: AbortSignal): Promise<Place> {
    return new Promise((resolve, reject) => {
      const full = this.#toFull(callerId);
      if (full === undefined) {
        resolve(this.#take(callerId));
        return;
      }
      if (stop.aborted || !this.#makeWay(callerId)) {
        reject(this.#toRefusal(full));
        return;
      }
      const end = () => {
        clearTimeout(timer);
        stop.removeEventListener('abort', leave);
        this.#forget(callerId, queued);
      };
      const queued: Queued = {
        admit: () => {
          end();
          resolve(this.#take(callerId));
        },
        refuse: (why) => {
          end();
          reject(this.#toRefusal(why));
        },
      };
      const leave = () => {
        queued.refuse('room');
      };
      const timer = setTimeout(() => {
        queued.refuse(this.#toFull(callerId) ?? 'room');
      }, this.#limits.queueMs);
      stop.addEventListener('abort', leave);
      const queue = this.#queues.get(callerId) ?? [];
      queue.push(queued);
      this.#queues.set(callerId, queue);
      this.#queued++;
    });
  }

  #toFull(callerId: string): Full | undefined {
    const { most, mostPerKey } = this.#limits;
    if (most > 0 && this.#all >= most) return 'room';
    return mostPerKey > 0 && (this.#inside.get(callerId) ?? 0) >= mostPerKey ? 'share' : undefined;
  }

  #take(callerId: string): Place {
    let where: 'in' | 'out' = 'out';
    const step = (to: 'in' | 'out') => {
      if (to !== where) this.#count(callerId, to === 'in' ? 1 : -1);
      where = to;
    };
    step('in');
    return { step };
  }

  #count(callerId: string, change: 1 | -1): void {
    this.#all += change;
    const count = (this.#inside.get(callerId) ?? 0) + change;
    if (count === 0) this.#inside.delete(callerId);
    else this.#inside.set(callerId, count);
    if (change === -1 && this.#queued > 0) this.#admit();
  }

  // One of each key in turn, for as long as there are places.
  #admit(): void {
    for (const [callerId, queue] of this.#queues) {
      const full = this.#toFull(callerId);
      if (full === 'room') return;
      if (full === 'share') continue;
      // Behind the others, where this loop comes to it again.
      this.#queues.delete(callerId);
      this.#queues.set(callerId, queue);
      queue[0]?.admit();
    }
  }

  // A full queue takes one more of a key for the newest of the key that has most in it, unless that would have fewer then.
  #makeWay(callerId: string): boolean {
    if (this.#queued < this.#limits.mostQueued) return true;
    let [most, longest]: [string, readonly Queued[]] = [callerId, this.#queues.get(callerId) ?? []];
    const own = longest.length;
    for (const [key, queue] of this.#queues) if (queue.length > longest.length) [most, longest] = [key, queue];
    if (longest.length <= own + 1) return false;
    longest.at(-1)?.refuse(this.#toFull(most) ?? 'room');
    return true;
  }

  #forget(callerId: string, queued: Queued): void {
    const queue = this.#queues.get(callerId) ?? [];
    queue.splice(queue.indexOf(queued), 1);
    if (queue.length === 0) this.#queues.delete(callerId);
    this.#queued--;
  }
}
