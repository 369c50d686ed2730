// The state of the process that its listeners share: readiness, shutdown, active requests, and reloads of files.
import { setMaxListeners } from 'node:events';

/** The lifecycle of the process, from ready over draining to idle. */
export class Lifecycle {
  readonly #draining = new AbortController();
  readonly #idleWaiters = new Set<() => void>();
  readonly #reloaders: (() => void)[] = [];
  #activeRequests = 0;
  #isReady = true;

  constructor() {
    // Every wait and every open subscription adds a listener.
    setMaxListeners(0, this.#draining.signal);
  }

  /** Reports whether load balancers may send requests. It is false from the shutdown signal on, which may be before `draining` aborts. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Aborts when the gateway starts to drain: it rejects new work, and waits end at once. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Counts the active requests: fully received, with a response that has not been sent completely. */
  get activeRequests(): number {
    return this.#activeRequests;
  }

  /** Clears `isReady`. The gateway still accepts work until `drain`. */
  markUnready(): void {
    this.#isReady = false;
  }

  /** Clears `isReady` and rejects new work from now on. */
  drain(): void {
    this.markUnready();
    this.#draining.abort();
  }

  /** Registers a function that `reload` calls. */
  onReload(reload: () => void): void {
    this.#reloaders.push(reload);
  }

  /** Starts to read again all files that may have changed. */
  reload(): void {
    for (const reload of this.#reloaders) reload();
  }

  /** Counts a request as active. */
  requestStarted(): void {
    this.#activeRequests++;
  }

  /** Ends an active request: its response has been sent, or its client has disconnected. */
  requestEnded(): void {
    this.#activeRequests--;
    if (this.#activeRequests > 0) return;
    for (const resolve of this.#idleWaiters) resolve();
    this.#idleWaiters.clear();
  }

  /** Resolves when no request is active. */
  async whenIdle(): Promise<void> {
    if (this.#activeRequests === 0) return;
    await new Promise<void>((resolve) => this.#idleWaiters.add(resolve));
  }
}
