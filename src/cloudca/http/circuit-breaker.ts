// The circuit breaker over all REST calls of the process. It relieves a REST API that fails, and lets calls fail at once instead of at
// their deadline. It learns from the REST API alone: nothing that a client sends or cancels counts by itself.
import { LRUCache } from 'lru-cache';
import { CircuitOpenError, TimeoutError, UnavailableError } from '../errors.js';
import { isServiceFailure } from './response-meanings.js';
import type { RestResponse } from './rest-response.js';

// The circuit opens if more than this share of the counted calls failed.
const failureThreshold = 0.5;

// The delays before a probe, in milliseconds, with jitter. The delay doubles after each failed probe.
const firstProbeDelayMs = 1_000;
const maxProbeDelayMs = 30_000;

// Maximum number of keys that are remembered as accepted. The least recently used key is forgotten first.
const maxAcceptedKeys = 10_000;

/** Says what the outcome of a call shows about the REST API. `nothing`: the outcome does not depend on whether the REST API works. */
type Evidence = 'works' | 'fails' | 'nothing';

interface OpenState {
  readonly openedAt: number;
  readonly delayMs: number;
  /** Number of failed probes since the circuit opened. */
  readonly failedProbes: number;
}

/**
 * Rejects calls while the REST API fails. Failures are 502 to 504, 520 to 530, UnavailableError and TimeoutError. Successes are 2xx and, if the key
 * is accepted, other 5xx. Any other outcome counts as neither, since a client can cause it at will: a 4xx, or a cancellation. Its states:
 *
 * - Closed: makes every call. Opens if more than half of the counted calls failed.
 * - Open: rejects every call, for about 1 s at first and up to 30 s after failed probes. Then half-opens.
 * - Half open: makes one call as a probe and rejects the others. Closes if the probe succeeds, opens if it fails, and otherwise lets the
 *   next call probe.
 *
 * A key is accepted once the REST API has responded to one of its calls with 2xx. If accepted keys made enough calls, only theirs decide
 * whether the circuit opens, and accepted keys have a probe of their own. So callers with made-up keys neither open the circuit for others
 * nor keep it open.
 */
export class CircuitBreaker {
  readonly #minCalls: number;
  readonly #acceptedKeys = new LRUCache<string, true>({ max: maxAcceptedKeys });
  #accepted = new CallWindow();
  #others = new CallWindow();
  #open: OpenState | undefined;
  // Whether a probe of an accepted key, or of another key, is in flight.
  readonly #probing = { accepted: false, other: false };

  /** Never opens below `minCalls` counted calls in the last ten seconds. */
  constructor(minCalls = 10) {
    this.#minCalls = minCalls;
  }

  /** Whether the circuit is open or half open: it rejects every call except a probe. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Reports whether the REST API has accepted a key lately: it has responded to a call with 2xx, and to none after that with 401. */
  hasAccepted(apiKey: string): boolean {
    return this.#acceptedKeys.has(apiKey);
  }

  /**
   * Makes a call with an API key. Rejects with CircuitOpenError if the circuit is not closed and the call is not a probe. A probe must run
   * to its end even if its caller no longer waits for it.
   */
  run(apiKey: string, call: (isProbe: boolean) => Promise<RestResponse>): Promise<RestResponse> {
    if (this.#open === undefined) return this.#observe(apiKey, () => call(false));
    const kind = this.hasAccepted(apiKey) ? 'accepted' : 'other';
    if (this.#probing[kind] || isDelaying(this.#open)) return Promise.reject(new CircuitOpenError());
    this.#probing[kind] = true;
    return this.#observe(
      apiKey,
      () => call(true),
      () => {
        this.#probing[kind] = false;
      },
    );
  }

  async #observe(apiKey: string, call: () => Promise<RestResponse>, endProbe?: () => void): Promise<RestResponse> {
    let evidence: Evidence = 'nothing';
    try {
      const response = await call();
      evidence = this.#judge(apiKey, response.status);
      return response;
    } catch (error) {
      if (error instanceof UnavailableError || error instanceof TimeoutError) evidence = 'fails';
      throw error;
    } finally {
      endProbe?.();
      if (evidence !== 'nothing') this.#record(apiKey, evidence === 'fails', endProbe !== undefined);
    }
  }

  // A 4xx may come from a proxy that looks at no more than the key or the path. A 500 shows that the service works, if the key does.
  #judge(apiKey: string, status: number): Evidence {
    if (isServiceFailure(status)) return 'fails';
    if (status < 300) this.#acceptedKeys.set(apiKey, true);
    else if (status === 401) this.#acceptedKeys.delete(apiKey);
    return status < 300 || (status >= 500 && this.hasAccepted(apiKey)) ? 'works' : 'nothing';
  }

  #record(apiKey: string, hasFailed: boolean, isProbe: boolean): void {
    if (this.#open !== undefined) {
      // Calls that started before the circuit opened decide nothing any more.
      if (!isProbe) return;
      if (hasFailed) this.#reopen(this.#open);
      else this.#close();
    }
    const window = this.hasAccepted(apiKey) ? this.#accepted : this.#others;
    window.add(hasFailed);
    if (hasFailed && this.#open === undefined && this.#mustOpen()) {
      this.#open = { openedAt: Date.now(), delayMs: toProbeDelay(0), failedProbes: 0 };
    }
  }

  #mustOpen(): boolean {
    const accepted = this.#accepted.sum();
    const others = this.#others.sum();
    const counts =
      accepted.calls >= this.#minCalls
        ? accepted
        : { calls: accepted.calls + others.calls, failures: accepted.failures + others.failures };
    return counts.calls >= this.#minCalls && counts.failures > counts.calls * failureThreshold;
  }

  #reopen({ failedProbes }: OpenState): void {
    this.#open = { openedAt: Date.now(), delayMs: toProbeDelay(failedProbes + 1), failedProbes: failedProbes + 1 };
  }

  #close(): void {
    this.#open = undefined;
    this.#accepted = new CallWindow();
    this.#others = new CallWindow();
  }
}

interface CallCounts {
  readonly calls: number;
  readonly failures: number;
}

// The window, in seconds.
const windowSeconds = 10;

/** Counts the calls of the last ten seconds, by second. */
class CallWindow {
  readonly #seconds = Array.from({ length: windowSeconds }, () => ({ second: -1, calls: 0, failures: 0 }));

  /** Counts a call that has ended now. */
  add(hasFailed: boolean): void {
    const now = toSecond();
    const slot = this.#seconds[now % windowSeconds];
    if (slot === undefined) return;
    if (slot.second !== now) Object.assign(slot, { second: now, calls: 0, failures: 0 });
    slot.calls++;
    if (hasFailed) slot.failures++;
  }

  /** Returns the number of calls, and how many of them failed. */
  sum(): CallCounts {
    const now = toSecond();
    let calls = 0;
    let failures = 0;
    for (const slot of this.#seconds) {
      if (slot.second > now || slot.second <= now - windowSeconds) continue;
      calls += slot.calls;
      failures += slot.failures;
    }
    return { calls, failures };
  }
}

function toSecond(): number {
  return Math.floor(Date.now() / 1_000);
}

// A clock that was set back ends the delay.
function isDelaying({ openedAt, delayMs }: OpenState): boolean {
  const elapsedMs = Date.now() - openedAt;
  return elapsedMs >= 0 && elapsedMs < delayMs;
}

function toProbeDelay(failedProbes: number): number {
  const jitter = 0.75 + Math.random() / 2;
  return Math.min(maxProbeDelayMs, firstProbeDelayMs * 2 ** failedProbes * jitter);
}
