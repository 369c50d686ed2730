// Polls one resource (a task, a VPN or a list) for as long as it has subscribers. Decides when to send a request, and what is a change or
// the end. Knows neither API keys nor the type of the resource.
import { CloudcaError, ForbiddenError, NotFoundError, UnauthenticatedError } from '../errors.js';
import type { RestSession } from '../session.js';
import type { Turn } from './pacer.js';

/** Receives the current value after each change, and the end. */
export interface Subscriber<T> {
  /** Receives a value. */
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
  /** Requests the current value. */
  readonly fetch: (rest: RestSession) => Promise<T>;
  /** Milliseconds from a response, or failure, to the next request. */
  readonly intervalMs: number;
  /** Starts a request, at once or when the rate of the poll's key allows it. An urgent request comes before the key's others. */
  readonly takeTurn: (turn: Turn, isUrgent: boolean) => void;
  /** Gives up a turn that has not started. */
  readonly giveUpTurn: (turn: Turn) => void;
  /** Whether two values are equal as far as subscribers are concerned. */
  readonly isSame: (one: T, other: T) => boolean;
  /** Whether a value will never change again. */
  readonly hasEnded: (value: T) => boolean;
  /** Whether a failed request means that the resource was deleted, which is an end, not a failure. Called only if the poll has a value. */
  readonly isDeleted: (error: unknown) => boolean;
  /** Called after each request that succeeded, with its start time on the clock of performance.now(). */
  readonly onSuccess?: (value: T, startedAt: number) => void;
  /** Called after each request that failed and will be repeated. */
  readonly onTransientFailure?: () => void;
  /**
   * Whether to skip a request because another poll supplies the value. That poll must then call `receive` or, if its own request fails,
   * `requestIfDue`. `hasValue` reports whether this poll has a value already.
   */
  readonly isFedByAnotherPoll?: (hasValue: boolean) => boolean;
  /** Called once when the poll ends, before `onEnd`. The poll also ends when its last subscriber unsubscribes. */
  readonly onStopped: () => void;
  /** Called once when the poll has ended, with the failure that caused it, if any. */
  readonly onEnd?: (failure?: unknown) => void;
}

// A poll ends after this many failed requests in a row. A mutation that waits starts another poll afterwards, while it has time left.
const maxFailures = 3;

/** Polls one resource for all of its subscribers. Ends when the resource or its last subscriber does, or after failures. */
export class Poll<T> {
  readonly #options: PollOptions<T>;
  readonly #subscribers = new Set<Subscriber<T>>();
  // Subscribers that joined while there was no fresh value.
  readonly #awaitingFirstValue = new Set<Subscriber<T>>();
  #latest: T | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextRequestAt = 0;
  // When the latest value arrived. A response to a request that started before may be older than that value.
  #latestAt = 0;
  // The session of the request in flight.
  #session: RestSession | undefined;
  // Whether a request is due that this poll leaves to another poll.
  #isDue = false;
  // Whether the next request comes before those of the key's other polls.
  #isUrgent = false;
  // Whether a request is due that waits for its turn.
  #hasTurn = false;
  #failures = 0;
  #hasEnded = false;

  constructor(options: PollOptions<T>) {
    this.#options = options;
    this.#latest = options.cached;
  }

  /** The latest value; undefined before the first one. */
  get latest(): T | undefined {
    return this.#latest;
  }

  /** Whether no request has failed since the last one that succeeded. */
  get isHealthy(): boolean {
    return this.#failures === 0;
  }

  /** Whether a request is in flight, or is about to start because there is no value yet. */
  get isRequesting(): boolean {
    return this.#session !== undefined || (this.#latest === undefined && this.#failures === 0);
  }

  /** Whether the latest value is not older than one interval. */
  get isFresh(): boolean {
    return this.#latest !== undefined && this.#failures === 0 && this.#session === undefined && !this.#isDue;
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
    if (this.#timer === undefined) this.#schedule(this.#options.firstDelayMs ?? 0);
  }

  /** Removes a subscriber. The poll ends with its last one. */
  unsubscribe(subscriber: Subscriber<T>): void {
    this.#subscribers.delete(subscriber);
    this.#awaitingFirstValue.delete(subscriber);
    if (this.#subscribers.size === 0) this.#end();
  }

  /**
   * Takes the value of another poll, whose request started at `startedAt`. Ignores it if the latest value arrived after that. NotFoundError
   * ends the poll if it has a value; otherwise the poll requests the value, if a request is due.
   */
  receive(value: T | NotFoundError, startedAt: number): void {
    if (startedAt < this.#latestAt) return;
    if (!(value instanceof NotFoundError)) {
      this.#update(value);
      this.#schedule(this.#options.intervalMs);
    } else if (this.#latest !== undefined) this.#endAsDeleted(value);
    // Without a value so far, the resource may be newer than the response of the other poll.
    else this.requestIfDue();
  }

  /** Lets the next request, when it is due, come before those of the key's other polls. */
  expedite(): void {
    this.#isUrgent = true;
    if (!this.#hasTurn) return;
    this.#giveUpTurn();
    this.#takeTurn();
  }

  /** Requests the value now, if this poll skipped a request for another poll that has supplied nothing since. */
  requestIfDue(): void {
    if (this.#isDue) this.#takeTurn();
  }

  #schedule(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#giveUpTurn();
    this.#nextRequestAt = performance.now() + milliseconds;
    this.#timer = setTimeout(() => {
      this.#takeTurn();
    }, milliseconds);
  }

  #takeTurn(): void {
    if (this.#isLeftToAnotherPoll()) return;
    this.#hasTurn = true;
    this.#options.takeTurn(this.#turn, this.#isUrgent);
  }

  #giveUpTurn(): void {
    if (!this.#hasTurn) return;
    this.#hasTurn = false;
    this.#options.giveUpTurn(this.#turn);
  }

  // Another poll may have begun to supply the value while this one waited for its turn.
  readonly #turn: Turn = () => {
    this.#hasTurn = false;
    if (this.#isLeftToAnotherPoll()) return false;
    this.#isUrgent = false;
    void this.#request();
    return true;
  };

  #isLeftToAnotherPoll(): boolean {
    this.#isDue = this.#options.isFedByAnotherPoll?.(this.#latest !== undefined) === true;
    return this.#isDue;
  }

  async #request(): Promise<void> {
    const session = this.#options.createSession();
    this.#session = session;
    const startedAt = performance.now();
    try {
      const value = await this.#options.fetch(session);
      // The poll has ended, or another poll was faster.
      if (this.#session !== session) return;
      this.#update(value);
      this.#options.onSuccess?.(value, startedAt);
    } catch (error) {
      if (this.#session !== session) return;
      this.#fail(error);
    }
    if (!this.#hasEnded) this.#schedule(this.#options.intervalMs);
  }

  #update(value: T): void {
    const changed = this.#latest === undefined || !this.#options.isSame(this.#latest, value);
    this.#latest = value;
    this.#latestAt = performance.now();
    this.#failures = 0;
    this.#isDue = false;
    this.#cancelRequest();
    for (const subscriber of changed ? this.#subscribers : this.#awaitingFirstValue) subscriber.onValue(value);
    this.#awaitingFirstValue.clear();
    if (this.#options.hasEnded(value)) this.#end();
  }

  #fail(error: unknown): void {
    this.#cancelRequest();
    this.#failures++;
    if (this.#latest !== undefined && this.#options.isDeleted(error)) this.#endAsDeleted(error);
    else if (isPermanentFailure(error) || this.#failures >= maxFailures) this.#end(error);
    else this.#options.onTransientFailure?.();
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
    this.#hasEnded = true;
    this.#isDue = false;
    clearTimeout(this.#timer);
    this.#giveUpTurn();
    this.#cancelRequest();
    this.#options.onStopped();
    this.#options.onEnd?.(failure);
    for (const subscriber of this.#subscribers) subscriber.onEnd(failure);
    this.#subscribers.clear();
    this.#awaitingFirstValue.clear();
  }
}

/** Reports whether the next request would fail as well: after 401, 403 or 404, and after a bug of this program. */
export function isPermanentFailure(error: unknown): boolean {
  const permanentErrors = [UnauthenticatedError, ForbiddenError, NotFoundError];
  return !(error instanceof CloudcaError) || permanentErrors.some((type) => error instanceof type);
}
