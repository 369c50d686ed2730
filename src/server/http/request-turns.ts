// Divides requests into turns of the event loop. Each turn serves a few, and the clients that wait take turns. So however many requests a
// client sends at once, another client waits for a few of them. Bounds how many wait.
import { FairQueue } from '../fair-queue.js';

// Each may take some milliseconds, to read its document and to start the operation.
const maxPerTurn = 8;

// Each takes about 5 KB of memory. In a quarter of a second, a core can serve about a fifth of them.
const maxWaiting = 4_096;

/** A request that is not served yet. */
export interface WaitingRequest {
  /** Names its sender. */
  readonly client: string;
  /** Starts to serve it, once it has waited for some milliseconds. */
  readonly serve: (waitedMs: number) => void;
  /** Closes its connection. */
  readonly evict: () => void;
}

interface DueRequest {
  readonly request: WaitingRequest;
  /** In milliseconds, on the clock of performance.now(). */
  readonly since: number;
}

/** The turns of the requests of one process. */
export class RequestTurns {
  readonly #onEvict: () => void;
  // By client, the oldest first. Clients without requests have no entry.
  readonly #waiting = new Map<string, Set<WaitingRequest>>();
  #waitingCount = 0;
  // The requests that wait for nothing but a turn, and some that have been removed.
  readonly #due = new FairQueue<DueRequest>();
  #room = maxPerTurn;
  #isScheduled = false;

  /** `onEvict` is called for each request that is evicted because too many wait. */
  constructor(onEvict: () => void = () => undefined) {
    this.#onEvict = onEvict;
  }

  /**
   * Adds a request that waits for something else than a turn. If too many wait, evicts it, or one of a client that has more of them.
   */
  add(request: WaitingRequest): void {
    const { client } = request;
    if (this.#waitingCount >= maxWaiting) {
      const evicted = this.#findExcess(client) ?? request;
      this.remove(evicted);
      this.#onEvict();
      evicted.evict();
      if (evicted === request) return;
    }
    const waiting = this.#waiting.get(client) ?? new Set();
    this.#waiting.set(client, waiting.add(request));
    this.#waitingCount++;
  }

  /** Serves a request at once, or in a later turn if this one has served enough. The request may have been added before. */
  take(request: WaitingRequest): void {
    this.#schedule();
    if (this.#room > 0 && this.#due.isEmpty) {
      this.#room--;
      this.remove(request);
      request.serve(0);
      return;
    }
    if (!this.#has(request)) this.add(request);
    if (this.#has(request)) this.#due.add(request.client, { request, since: performance.now() });
  }

  /** Removes a request whose connection has closed. Does nothing if it does not wait. */
  remove(request: WaitingRequest): void {
    const waiting = this.#waiting.get(request.client);
    if (waiting?.delete(request) !== true) return;
    this.#waitingCount--;
    if (waiting.size === 0) this.#waiting.delete(request.client);
  }

  #has(request: WaitingRequest): boolean {
    return this.#waiting.get(request.client)?.has(request) === true;
  }

  // Returns the oldest request of the client with most of them, if that has more than this client.
  #findExcess(client: string): WaitingRequest | undefined {
    let longest: ReadonlySet<WaitingRequest> = this.#waiting.get(client) ?? new Set();
    const ownCount = longest.size;
    // No other client has more.
    if (ownCount > maxWaiting / 2) return undefined;
    for (const requests of this.#waiting.values()) if (requests.size > longest.size) longest = requests;
    const [oldest] = longest.size > ownCount + 1 ? longest : [];
    return oldest;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#runTurn);
  }

  readonly #runTurn = (): void => {
    this.#isScheduled = false;
    this.#room = maxPerTurn;
    if (!this.#due.isEmpty) this.#schedule();
    const now = performance.now();
    while (this.#room > 0) {
      const due = this.#due.takeNext();
      if (due === undefined) return;
      if (!this.#has(due.request)) continue;
      this.#room--;
      this.remove(due.request);
      due.request.serve(now - due.since);
    }
  };
}
