// Polls one resource (a task, a VPN or a list) for as long as it has subscribers. Decides when to send a request, and what is a change or
// the end. Does not know the type of the resource.
import { NotFoundError } from '../errors.js';
import type { RestSession } from '../session.js';
import type { Pacer, Turn } from './pacer.js';
import { isPermanentFailure, judgeFailure, maxFailures } from './poll-failures.js';

/** Receives the current value after each change, and the end. */
export interface Subscriber<T> {
  /** Receives a value. May unsubscribe, but must not add a subscriber to the same poll: that one could receive the value twice. */
  onValue(value: T): void;
  /** Receives the end, once, with the failure that caused it, if any. */
  onEnd(failure?: unknown): void;
}

/** How a poll starts. */
export interface PollStart<T> {
  /** A value that the creator already has, not older than one interval. */
  readonly cached?: T;
  /** Milliseconds until the first request. Default: 0. */
  readonly firstDelayMs?: number;
}

/** Defines what a poll requests, and what counts as its changes and its end. */
export interface PollOptions<T> extends PollStart<T> {
  /** Creates the session of one request. */
  readonly createSession: () => RestSession;
  /** Requests the current value. `latest` is the value before, if there is one. */
  readonly fetch: (rest: RestSession, latest: T | undefined) => Promise<T>;
  /** Milliseconds from a response to the next request. Failures may prolong it (`judgeFailure`). */
  readonly intervalMs: number;
  /** Spaces the requests of all polls of a key. */
  readonly pacer: Pacer;
  /** The key of the pacer's turns. */
  readonly apiKey: string;
  /** Whether two values are equal as far as subscribers are concerned. */
  readonly isSame: (one: T, other: T) => boolean;
  /** Whether a value will never change again. */
  readonly hasEnded: (value: T) => boolean;
  /** Whether a resource that is no longer found was deleted, which is an end, not a failure. */
  readonly isDeletable: boolean;
  /** Called after each request that succeeded, unless the poll ended. Receives its start time on the clock of performance.now(). */
  readonly onSuccess?: (value: T, startedAt: number) => void;
  /** Called after each request that makes the poll unhealthy. */
  readonly onUnhealthy?: () => void;
  /**
   * Whether to skip a request because another poll supplies the value. That poll must then call `receive` or, if its own request fails,
   * `requestIfDue`. `hasValue` reports whether this poll has a value already.
   */
  readonly isFedByAnotherPoll?: (hasValue: boolean) => boolean;
  /** Called once when the poll ends, also with its last subscriber, with the failure that caused it, if any. */
  readonly onEnd: (failure?: unknown) => void;
}

/**
 * Says when the next request of a poll starts. `inItsTurn`: it is due, and waits for its turn among the requests of the key.
 * `leftToAnotherPoll`: it is due, but another poll supplies the value. `none`: the poll has ended.
 */
type NextRequest = 'afterFirstSubscriber' | 'atItsTime' | 'inItsTurn' | 'leftToAnotherPoll' | 'none';

/** Polls one resource for all of its subscribers. Ends when the resource or its last subscriber does, or after failures. */
export class Poll<T> {
  readonly #options: PollOptions<T>;
  readonly #subscribers = new Set<Subscriber<T>>();
  // Subscribers that joined while there was no fresh value.
  readonly #awaitingFirstValue = new Set<Subscriber<T>>();
  #latest: T | undefined;
  #nextRequest: NextRequest = 'afterFirstSubscriber';
  #timer: NodeJS.Timeout | undefined;
  #nextRequestAt = 0;
  // When the latest value arrived. A response to a request that started before may be older than that value.
  #latestAt = 0;
  // The session of the request in flight.
  #session: RestSession | undefined;
  // Whether the next request comes before those of the key's other polls.
  #isUrgent = false;
  // The number of failures that count since the latest value.
  #failures = 0;
  // Whether the latest request, or another poll, has brought no value. The latest value is then too old for new subscribers.
  #isStale = false;
  // Whether the resource was not found since the latest value. It has ended if its own request does not find it either.
  #isMissing = false;

  constructor(options: PollOptions<T>) {
    this.#options = options;
    this.#latest = options.cached;
  }

  /** The latest value; undefined before the first one. */
  get latest(): T | undefined {
    return this.#latest;
  }

  /** Whether nothing has failed or was missing since the latest value. A poll that only waits longer than usual stays healthy. */
  get isHealthy(): boolean {
    return this.#failures === 0 && !this.#isMissing;
  }

  /** Whether a request is in flight, or is about to start because there is no value yet. */
  get isRequesting(): boolean {
    return this.#session !== undefined || (this.#latest === undefined && this.#failures === 0);
  }

  /** Whether the latest value is not older than one interval. */
  get isFresh(): boolean {
    const isDue = this.#session !== undefined || this.#nextRequest === 'leftToAnotherPoll';
    return this.#latest !== undefined && !this.#isStale && !isDue;
  }

  get #hasEnded(): boolean {
    return this.#nextRequest === 'none';
  }

  /** Milliseconds until the next request. */
  get msUntilNextRequest(): number {
    return Math.max(0, this.#nextRequestAt - performance.now());
  }

  /** Adds a subscriber. It receives the latest value at once if that is fresh, otherwise the next one. */
  subscribe(subscriber: Subscriber<T>): void {
    this.#subscribers.add(subscriber);
    if (this.#latest !== undefined && this.isFresh) subscriber.onValue(this.#latest);
    else this.#awaitingFirstValue.add(subscriber);
    if (this.#nextRequest === 'afterFirstSubscriber') this.#schedule(this.#options.firstDelayMs ?? 0);
  }

  /** Removes a subscriber. The poll ends with its last one. */
  unsubscribe(subscriber: Subscriber<T>): void {
    this.#subscribers.delete(subscriber);
    this.#awaitingFirstValue.delete(subscriber);
    if (this.#subscribers.size === 0) this.#end();
  }

  /**
   * Takes the value of another poll, whose request started at `startedAt`; undefined if that did not find the resource. The poll then
   * requests the value itself: at once if it has one, otherwise if a request is due. Ignores what is older than the latest value.
   */
  receive(value: T | undefined, startedAt: number): void {
    if (startedAt < this.#latestAt) return;
    if (value !== undefined) {
      this.#update(value);
      this.#schedule(this.#options.intervalMs);
    } else if (this.#latest === undefined) this.requestIfDue();
    else if (!this.#isMissing) {
      this.#isMissing = true;
      this.#isStale = true;
      if (this.#session !== undefined) return;
      this.#cancelNextRequest();
      this.#takeTurn();
    }
  }

  /** Lets the next request, when it is due, come before those of the key's other polls. */
  expedite(): void {
    this.#isUrgent = true;
    if (this.#nextRequest !== 'inItsTurn') return;
    this.#cancelNextRequest();
    this.#takeTurn();
  }

  /** Requests the value now, if this poll skipped a request for another poll that has supplied nothing since. */
  requestIfDue(): void {
    if (this.#nextRequest === 'leftToAnotherPoll') this.#takeTurn();
  }

  #schedule(milliseconds: number): void {
    // A subscriber may have left while it received the value.
    if (this.#hasEnded) return;
    this.#cancelNextRequest();
    this.#nextRequest = 'atItsTime';
    this.#nextRequestAt = performance.now() + milliseconds;
    this.#timer = setTimeout(() => {
      this.#takeTurn();
    }, milliseconds);
  }

  #cancelNextRequest(): void {
    clearTimeout(this.#timer);
    this.#options.pacer.giveUp(this.#options.apiKey, this.#turn);
  }

  #takeTurn(): void {
    if (this.#hasEnded || this.#leaveToAnotherPoll()) return;
    this.#nextRequest = 'inItsTurn';
    this.#options.pacer.take(this.#options.apiKey, this.#turn, this.#isUrgent);
  }

  // Another poll may have begun to supply the value while this one waited for its turn.
  readonly #turn: Turn = () => {
    if (this.#leaveToAnotherPoll()) return false;
    this.#nextRequest = 'atItsTime';
    this.#isUrgent = false;
    void this.#request();
    return true;
  };

  #leaveToAnotherPoll(): boolean {
    const { isFedByAnotherPoll } = this.#options;
    if (this.#isMissing || isFedByAnotherPoll?.(this.#latest !== undefined) !== true) return false;
    this.#nextRequest = 'leftToAnotherPoll';
    return true;
  }

  async #request(): Promise<void> {
    const session = this.#options.createSession();
    this.#session = session;
    const startedAt = performance.now();
    let delayMs = this.#options.intervalMs;
    try {
      const value = await this.#options.fetch(session, this.#latest);
      // The poll has ended, or another poll was faster.
      if (this.#session !== session) return;
      this.#update(value);
      if (!this.#hasEnded) this.#options.onSuccess?.(value, startedAt);
    } catch (error) {
      if (this.#session !== session) return;
      delayMs = this.#fail(error);
    }
    this.#schedule(delayMs);
  }

  #update(value: T): void {
    const changed = this.#latest === undefined || !this.#options.isSame(this.#latest, value);
    this.#latest = value;
    this.#latestAt = performance.now();
    this.#failures = 0;
    this.#isStale = false;
    this.#isMissing = false;
    this.#cancelRequest();
    for (const subscriber of changed ? this.#subscribers : this.#awaitingFirstValue) subscriber.onValue(value);
    this.#awaitingFirstValue.clear();
    if (this.#options.hasEnded(value)) this.#end();
  }

  // Returns the milliseconds until the next request. The poll may have ended instead.
  #fail(error: unknown): number {
    const { intervalMs, isDeletable, onUnhealthy, pacer, apiKey } = this.#options;
    this.#cancelRequest();
    this.#isStale = true;
    const isMissing = error instanceof NotFoundError && this.#latest !== undefined;
    if (isMissing && !this.#isMissing) {
      this.#isMissing = true;
      onUnhealthy?.();
      return intervalMs;
    }
    if (isMissing && isDeletable) this.#endAsDeleted(error);
    else if (isPermanentFailure(error)) this.#end(error);
    if (this.#hasEnded) return intervalMs;
    const { counts, delayMs, isRequested } = judgeFailure(error, intervalMs, this.#failures);
    if (isRequested) pacer.hold(apiKey, delayMs);
    if (!counts) return delayMs;
    this.#failures++;
    if (this.#failures >= maxFailures) this.#end(error);
    else onUnhealthy?.();
    return delayMs;
  }

  #cancelRequest(): void {
    this.#session?.cancelReads();
    this.#session = undefined;
  }

  // A subscriber that has had no value receives the error, so that it learns that nothing exists.
  #endAsDeleted(error: unknown): void {
    for (const subscriber of this.#awaitingFirstValue) {
      this.#subscribers.delete(subscriber);
      subscriber.onEnd(error);
    }
    this.#end();
  }

  #end(failure?: unknown): void {
    if (this.#hasEnded) return;
    this.#cancelNextRequest();
    this.#nextRequest = 'none';
    this.#cancelRequest();
    this.#options.onEnd(failure);
    for (const subscriber of this.#subscribers) subscriber.onEnd(failure);
    this.#subscribers.clear();
    this.#awaitingFirstValue.clear();
  }
}
