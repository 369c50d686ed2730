// The commands of the model test of polls, and the checks of what their subscribers receive.
import fc from 'fast-check';
import {
  BadResponseError,
  CircuitOpenError,
  ForbiddenError,
  NotFoundError,
  RateLimitedError,
} from '../../../src/cloudca/errors.js';
import type { Poll, Subscriber } from '../../../src/cloudca/polling/poll.js';
import { RestSession } from '../../../src/cloudca/session.js';

/** Lists the resources. `isFed` says whether another poll may supply the values. */
export const resources = {
  task: { apiKey: 'one', intervalMs: 1_000, isFed: false },
  vpn: { apiKey: 'one', intervalMs: 5_000, isFed: true },
  otherTask: { apiKey: 'other', intervalMs: 1_000, isFed: false },
} as const;
/** Names a resource. */
export type Name = keyof typeof resources;
/** Lists the names. */
export const names = ['task', 'vpn', 'otherTask'] as const satisfies readonly Name[];
/** A longer Retry-After is cut to this one, in milliseconds. */
export const maxRetryAfterMs = 300_000;

/** Shows a resource at one time. A task that has ended never changes again. A VPN that has ended is not found. */
export interface Value {
  readonly version: number;
  readonly hasEnded: boolean;
}

const replies = ['current', 'at start', 'not found', 'failure', 'forbidden', 'busy', 'circuit open'] as const;
/** Says what the REST API responds: `at start` is the value at the start of the request, a number is a Retry-After in seconds. */
export type Reply = (typeof replies)[number] | number;

/** Describes one step of a run. A subscriber leaves, or lets another one join, after so many values; 0: never. */
export type Command =
  | {
      readonly do: 'subscribe';
      readonly name: Name;
      readonly leavesAfter: number;
      readonly joinsAfter: number;
      readonly isCached: boolean;
    }
  | { readonly do: 'unsubscribe'; readonly index: number }
  | { readonly do: 'change' | 'end' | 'expedite' | 'request if due'; readonly name: Name }
  // Unless it settles, the next commands come before the poll has the response.
  | { readonly do: 'respond'; readonly index: number; readonly reply: Reply; readonly settles: boolean }
  | { readonly do: 'feed'; readonly action: 'request' | 'supply' | 'lack' | 'skip' | 'fail' }
  | { readonly do: 'advance'; readonly milliseconds: number };

const name = fc.constantFrom(...names, 'vpn' as const, 'vpn' as const);
/** Generates a command. */
export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('subscribe'),
      name,
      leavesAfter: fc.constantFrom(0, 0, 1, 2),
      joinsAfter: fc.constantFrom(0, 0, 0, 1),
      isCached: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('unsubscribe'), index: fc.nat(20) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('change'), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('end', 'expedite', 'request if due'), name }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('respond'),
      index: fc.nat(5),
      settles: fc.constantFrom(true, true, false),
      reply: fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom('current', 'at start') },
        { weight: 3, arbitrary: fc.constantFrom<Reply[]>(...replies, 2, 2, 60) },
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('feed'),
      action: fc.constantFrom('request', 'request', 'request', 'supply', 'supply', 'supply', 'lack', 'skip', 'fail'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('advance'), milliseconds: fc.constantFrom(20, 600, 1_000, 5_000) }),
  },
);

/** Records its cancellation. Its request may still get a response, as one that arrives at the same time does. */
export class RecordedSession extends RestSession {
  isCancelled = false;

  override cancelReads(): void {
    this.isCancelled = true;
    super.cancelReads();
  }
}

/** Holds one poll, its number of ends, and the session of its latest request. */
export interface PollRecord {
  readonly name: Name;
  readonly poll: Poll<Value>;
  endCount: number;
  session: RecordedSession | undefined;
}

/** Provides subscribers with what they need of a run. */
export interface Checks {
  /** Records a failed check. */
  check(isTrue: boolean, message: string): void;
  /** Subscribes to the resource after this one. */
  subscribeToNext(name: Name): void;
}

/** Checks what one subscriber receives. It may leave, or let another one join, when it receives its n-th value. */
export class CheckedSubscriber implements Subscriber<Value> {
  readonly #run: Checks;
  readonly #leavesAfter: number;
  readonly #joinsAfter: number;
  readonly record: PollRecord;
  latest: Value | undefined;
  valueCount = 0;
  hasLeft = false;
  hasEnded = false;

  constructor(run: Checks, record: PollRecord, leavesAfter: number, joinsAfter: number) {
    this.#run = run;
    this.record = record;
    this.#leavesAfter = leavesAfter;
    this.#joinsAfter = joinsAfter;
  }

  onValue(value: Value): void {
    this.#run.check(!this.hasLeft, 'A subscriber received a value after it left.');
    this.#run.check(!this.hasEnded, 'A subscriber received a value after the end.');
    this.#run.check(value.version >= (this.latest?.version ?? 0), 'A subscriber received an older value.');
    this.#run.check(this.latest === undefined || !isSame(this.latest, value), 'A subscriber received a value twice.');
    this.latest = value;
    this.valueCount++;
    if (this.valueCount === this.#joinsAfter) this.#run.subscribeToNext(this.record.name);
    if (this.valueCount === this.#leavesAfter) this.leave();
  }

  onEnd(failure?: unknown): void {
    this.#run.check(!this.hasLeft, 'A subscriber received the end after it left.');
    this.#run.check(!this.hasEnded, 'A subscriber received the end twice.');
    const mayEnd = failure !== undefined || resources[this.record.name].isFed || this.latest?.hasEnded === true;
    this.#run.check(mayEnd, 'A task ended for a subscriber without its last value.');
    this.hasEnded = true;
  }

  leave(): void {
    if (!this.hasEnded) this.hasLeft = true;
    this.record.poll.unsubscribe(this);
  }
}

/** Reports whether two values are equal. */
export function isSame(one: Value, other: Value): boolean {
  return one.version === other.version && one.hasEnded === other.hasEnded;
}

/** Converts a reply that is a failure to the error of the request. */
export function toError(reply: Exclude<Reply, 'current' | 'at start'>): Error {
  if (reply === 'not found') return new NotFoundError('Not found.');
  if (reply === 'failure') return new BadResponseError('Failed.');
  if (reply === 'forbidden') return new ForbiddenError('Forbidden.');
  if (reply === 'circuit open') return new CircuitOpenError();
  return new RateLimitedError('Busy.', { status: 429, errors: [] }, reply === 'busy' ? undefined : reply);
}
