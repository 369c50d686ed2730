// Bounds the memory of response bodies from their first byte until they are parsed. Above the bounds, the gateway does not read a connection,
// so the bytes wait at the REST API. Bodies wait for a turn to be parsed, and many callers may have large ones at the same time.

// Maximum sizes in bytes before the gateway stops reading: of all bodies together, and of those of one caller. As much again as for all is
// divided equally among the callers. So one with small bodies does not wait for large ones of others.
const maxBytes = 32 * 1024 * 1024;
const maxCallerBytes = 16 * 1024 * 1024;

// Memory that a chunk occupies besides its content, in bytes.
const chunkOverhead = 128;

/** Provides the bytes of a body: a connection, or a decompressor. */
interface Source {
  readonly pause: () => unknown;
  readonly resume: () => unknown;
}

/** Some of the bodies: those of one caller, or all. */
class Share {
  /** Number of bodies that are not released. */
  count = 0;
  bytes = 0;
  /** Number of bodies that are complete, and will be parsed. */
  complete = 0;
  /** Bodies in transfer, the oldest first. */
  readonly incoming = new Set<HeldBody>();

  /** Whether a body may proceed above the bound: the oldest one may if none waits to be parsed. So one always proceeds. */
  isNext(body: HeldBody): boolean {
    const [oldest] = this.incoming;
    return this.complete === 0 && oldest === body;
  }
}

/** All bodies. */
class AllBodies extends Share {
  /** The shares of callers that have bodies. */
  readonly callers = new Map<string, Share>();
  readonly paused = new Set<HeldBody>();
  isResuming = false;
}

/** Opens the bodies of all callers, and pauses some of them above the bounds. */
export class FlowControl {
  readonly #all = new AllBodies();

  /** Adds a body of a caller, which has no bytes yet. */
  open(caller: string): HeldBody {
    return new HeldBody(this.#all, caller);
  }
}

/** The body of one response, from its first byte until it has been parsed. */
export class HeldBody {
  readonly #all: AllBodies;
  readonly #caller: string;
  readonly #own: Share;
  readonly #shares: readonly Share[];
  #source: Source | undefined;
  #state: 'incoming' | 'complete' | 'released' = 'incoming';
  #length = 0;
  // Memory that it occupies.
  #bytes = 0;

  /** Counts the body as one of its caller. */
  constructor(all: AllBodies, caller: string) {
    this.#all = all;
    this.#caller = caller;
    this.#own = all.callers.get(caller) ?? new Share();
    all.callers.set(caller, this.#own);
    this.#shares = [all, this.#own];
    for (const share of this.#shares) share.count++;
  }

  /** Length of what has arrived, in bytes. */
  get length(): number {
    return this.#length;
  }

  /** Begins the transfer. Sets what is paused above the bounds. */
  setSource(source: Source): void {
    if (this.#state !== 'incoming') return;
    this.#source = source;
    for (const { incoming } of this.#shares) incoming.add(this);
  }

  /** Counts a chunk of `length` bytes that has arrived. */
  add(length: number): void {
    if (this.#state !== 'incoming') return;
    const bytes = length + chunkOverhead;
    this.#length += length;
    this.#bytes += bytes;
    for (const share of this.#shares) share.bytes += bytes;
    if (this.#all.paused.has(this) || this.#mayProceed()) return;
    this.#all.paused.add(this);
    this.#source?.pause();
  }

  /** Says that all bytes have arrived. They count until `release`. */
  complete(): void {
    if (this.#state !== 'incoming') return;
    this.#endTransfer('complete');
    for (const share of this.#shares) share.complete++;
  }

  /** Ends the count of the body: it has been parsed, or has failed. Does nothing the second time. */
  release(): void {
    if (this.#state === 'released') return;
    const wasComplete = this.#state === 'complete';
    this.#endTransfer('released');
    for (const share of this.#shares) {
      if (wasComplete) share.complete--;
      share.count--;
      share.bytes -= this.#bytes;
    }
    if (this.#own.count === 0) this.#all.callers.delete(this.#caller);
  }

  #endTransfer(state: 'complete' | 'released'): void {
    this.#state = state;
    for (const { incoming } of this.#shares) incoming.delete(this);
    this.#all.paused.delete(this);
    this.#resumeOthers();
  }

  // In a later turn of the event loop: undici parses what has arrived at once, but not while it parses another response.
  #resumeOthers(): void {
    const all = this.#all;
    if (all.isResuming || all.paused.size === 0) return;
    all.isResuming = true;
    setImmediate(() => {
      all.isResuming = false;
      for (const body of all.paused) {
        if (!body.#mayProceed()) continue;
        all.paused.delete(body);
        body.#source?.resume();
      }
    });
  }

  #mayProceed(): boolean {
    const { bytes: allBytes, callers } = this.#all;
    const { bytes } = this.#own;
    if (allBytes <= maxBytes) return bytes <= maxCallerBytes || this.#own.isNext(this);
    const equalShare = Math.min(maxCallerBytes, maxBytes / callers.size);
    return (bytes <= equalShare && allBytes <= 2 * maxBytes) || this.#all.isNext(this);
  }
}
