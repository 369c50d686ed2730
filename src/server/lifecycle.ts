// What runs, and the way to the end of it: how many operations are at work, and whether new ones are still taken.
import { setMaxListeners } from 'node:events';

/** The life of the process, as far as its listeners need to know of it. */
export class Lifecycle {
  readonly #draining = new AbortController();
  readonly #idleWaiters = new Set<() => void>();
  readonly #rereaders: (() => void)[] = [];
  #atWork = 0;
  #isReady = true;

  constructor() {
    // Every wait and every poll listens.
    setMaxListeners(0, this.#draining.signal);
  }

  /** Whether new work should be sent here: false once the process is to end, which may be before it takes no more. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Aborted once the process ends: no new work, and waits answer at once. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Requests at work: their headers and bodies have come, their answers have not been sent to the end. */
  get atWork(): number {
    return this.#atWork;
  }

  /** Says that the process is to end, and goes on as before. */
  turnUnready(): void {
    this.#isReady = false;
  }

  /** Takes no new work from now on. */
  drain(): void {
    this.turnUnready();
    this.#draining.abort();
  }

  /** Has something done whenever files are to be read again. */
  onReread(reread: () => void): void {
    this.#rereaders.push(reread);
  }

  /** Has files read again that may have changed. */
  reread(): void {
    for (const reread of this.#rereaders) reread();
  }

  /** A request begins to be worked on. */
  begin(): void {
    this.#atWork++;
  }

  /** A request's answer has been sent, or its caller has gone. */
  end(): void {
    this.#atWork--;
    if (this.#atWork > 0) return;
    for (const resolve of this.#idleWaiters) resolve();
    this.#idleWaiters.clear();
  }

  /** Resolves when nothing is at work. */
  async whenIdle(): Promise<void> {
    if (this.#atWork === 0) return;
    await new Promise<void>((resolve) => this.#idleWaiters.add(resolve));
  }
}
