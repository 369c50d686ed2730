// Bounds the response bodies that one caller holds before they are parsed. Above the bound, the gateway does not read the caller's
// connections, so the bytes wait at the REST API. Bodies must wait for a turn to be parsed, and a caller may have dozens of large ones.

// Maximum size of the bodies of one caller that are not parsed yet, in bytes, before the gateway stops reading further ones.
const maxHeldBytes = 16 * 1024 * 1024;

/** Provides the bytes of a body: a connection, or a decompressor. */
interface Source {
  readonly pause: () => unknown;
  readonly resume: () => unknown;
}

/** The bodies of one caller. */
interface HeldBodies {
  /** Number of bodies that are not released. */
  count: number;
  bytes: number;
  /** In transfer. The first one goes on above the bound, unless a complete one waits to be parsed: so at least one always proceeds. */
  readonly incoming: Set<HeldBody>;
  /** Number of complete bodies that are not parsed yet. */
  complete: number;
  isResuming: boolean;
}

/** The bodies of all callers. */
export class BodyFlow {
  // Callers without bodies have no entry.
  readonly #bodies = new Map<string, HeldBodies>();

  /** Adds a body of a caller, which has no bytes yet. */
  open(caller: string): HeldBody {
    const bodies = this.#bodies.get(caller) ?? {
      count: 0,
      bytes: 0,
      incoming: new Set(),
      complete: 0,
      isResuming: false,
    };
    this.#bodies.set(caller, bodies);
    return new HeldBody(bodies, () => {
      if (bodies.count === 0) this.#bodies.delete(caller);
    });
  }
}

/** A response body from its first byte until it has been parsed. */
export class HeldBody {
  readonly #bodies: HeldBodies;
  readonly #onRelease: () => void;
  #source: Source | undefined;
  #state: 'incoming' | 'complete' | 'released' = 'incoming';
  #isPaused = false;
  #bytes = 0;

  /** `onRelease` is called once the body is no longer counted. */
  constructor(bodies: HeldBodies, onRelease: () => void) {
    this.#bodies = bodies;
    this.#onRelease = onRelease;
    bodies.count++;
  }

  /** Begins the transfer. Sets what is paused above the bound. */
  setSource(source: Source): void {
    this.#source = source;
    if (this.#state === 'incoming') this.#bodies.incoming.add(this);
  }

  /** Counts bytes that have arrived. */
  add(bytes: number): void {
    if (this.#state !== 'incoming') return;
    this.#bytes += bytes;
    this.#bodies.bytes += bytes;
    this.#setPaused(!this.#mayProceed());
  }

  /** Says that all bytes have arrived. They are held until `release`. */
  complete(): void {
    if (this.#state !== 'incoming') return;
    this.#state = 'complete';
    this.#bodies.incoming.delete(this);
    this.#bodies.complete++;
    this.#resumeOthers();
  }

  /** Ends the count of the body: it has been parsed, or has failed. Does nothing the second time. */
  release(): void {
    if (this.#state === 'released') return;
    if (this.#state === 'complete') this.#bodies.complete--;
    this.#bodies.incoming.delete(this);
    this.#bodies.count--;
    this.#state = 'released';
    this.#bodies.bytes -= this.#bytes;
    this.#resumeOthers();
    this.#onRelease();
  }

  // In a later turn of the event loop: undici parses what has arrived at once, but not while it parses another response.
  #resumeOthers(): void {
    const bodies = this.#bodies;
    if (bodies.isResuming || bodies.incoming.size === 0) return;
    bodies.isResuming = true;
    setImmediate(() => {
      bodies.isResuming = false;
      for (const body of bodies.incoming) {
        if (body.#isPaused && body.#mayProceed()) body.#setPaused(false);
      }
    });
  }

  #mayProceed(): boolean {
    const { bytes, incoming, complete } = this.#bodies;
    if (bytes <= maxHeldBytes) return true;
    const [first] = incoming;
    return complete === 0 && first === this;
  }

  #setPaused(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#source?.pause();
    else this.#source?.resume();
  }
}
