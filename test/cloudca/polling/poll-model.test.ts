// Polls that share a pacer, against random interleavings of subscribers, responses, values of another poll, and time. Each request stays in
// flight until a command responds to it. The clock is fake.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import { Pacer } from '../../../src/cloudca/polling/pacer.js';
import { Poll } from '../../../src/cloudca/polling/poll.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { toRunCount } from '../../helpers/run-count.js';
import {
  CheckedSubscriber,
  type Checks,
  type Command,
  command,
  isSame,
  maxRetryAfterMs,
  type Name,
  names,
  type PollRecord,
  RecordedSession,
  type Reply,
  resources,
  toError,
  type Value,
} from './poll-model.js';

const clock = useFakeClock();
const client = new CloudcaClient({ baseUrl: 'http://rest.example.test', timeoutMs: 1_000 });
addCleanup(() => client.close());

interface HeldRequest {
  readonly record: PollRecord;
  readonly session: RecordedSession | undefined;
  readonly atStart: Value;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: Error) => void;
}

/** One run: the polls, the resources as the REST API has them, and the requests in flight. */
class Run implements Checks {
  readonly #failures = new Set<string>();
  readonly #pacer: Pacer;
  readonly #pacerIntervalMs: number;
  readonly #values = new Map<Name, Value>(names.map((item) => [item, { version: 1, hasEnded: false }]));
  readonly #polls = new Map<Name, PollRecord>();
  readonly #records: PollRecord[] = [];
  readonly #subscribers: CheckedSubscriber[] = [];
  readonly #requests: HeldRequest[] = [];
  // The failures of requests that were cancelled before.
  readonly #lateErrors = new Set<unknown>();
  // When the next request of a key may start.
  readonly #mayStartAt = new Map<string, number>();
  // Whether another poll supplies the VPN, and what its request in flight will find.
  #isFeeding: boolean;
  #feederRequest: { readonly startedAt: number; readonly values: ReadonlyMap<Name, Value> } | undefined;
  requestCount = 0;

  constructor(pacerIntervalMs: number, isFeeding: boolean) {
    this.#isFeeding = isFeeding;
    this.#pacerIntervalMs = pacerIntervalMs;
    this.#pacer = new Pacer(pacerIntervalMs);
  }

  check(isTrue: boolean, message: string): void {
    if (!isTrue) this.#failures.add(message);
  }

  async execute(step: Command): Promise<void> {
    // No two events are at the same time.
    clock.advance(1);
    if (step.do === 'subscribe') this.subscribe(step.name, step.leavesAfter, step.joinsAfter, step.isCached);
    else if (step.do === 'unsubscribe') this.#subscribers.at(step.index % this.#subscribers.length || 0)?.leave();
    else if (step.do === 'expedite') for (const { poll } of this.#allOf(step.name)) poll.expedite();
    else if (step.do === 'request if due') for (const { poll } of this.#allOf(step.name)) poll.requestIfDue();
    else if (step.do === 'respond') await this.#respond(step.index, step.reply, step.settles);
    else if (step.do === 'feed') this.#feed(step.action);
    else if (step.do === 'advance') await this.#advance(step.milliseconds);
    else this.#change(step.name, step.do === 'end');
    this.#expectNoFailure();
  }

  subscribe(to: Name, leavesAfter: number, joinsAfter: number, isCached: boolean): void {
    const record = this.#polls.get(to) ?? this.#createPoll(to, isCached && !resources[to].isFed);
    const subscriber = new CheckedSubscriber(this, record, leavesAfter, joinsAfter);
    this.#subscribers.push(subscriber);
    record.poll.subscribe(subscriber);
  }

  subscribeToNext(to: Name): void {
    this.subscribe(names[(names.indexOf(to) + 1) % names.length] ?? to, 0, 0, false);
  }

  /** Removes all faults, lets time pass, and expects each subscriber to have the current value, or the end. */
  async expectCurrentValues(): Promise<void> {
    this.#feed('fail');
    for (const milliseconds of [maxRetryAfterMs, ...Array<number>(6).fill(6_000)]) {
      while (this.#requests.length > 0) await this.#respond(0, 'current');
      await this.#advance(milliseconds);
    }
    while (this.#requests.length > 0) await this.#respond(0, 'current');
    for (const { record, latest, hasLeft, hasEnded } of this.#subscribers) {
      if (hasLeft || hasEnded) continue;
      expect([record.name, latest]).toEqual([record.name, this.#current(record.name)]);
      expect(latest?.hasEnded).toBe(false);
    }
    this.#expectNoFailure();
  }

  /** Lets all subscribers leave, and expects no poll to go on. */
  async end(): Promise<void> {
    for (const subscriber of this.#subscribers) subscriber.leave();
    await this.#advance(2 * maxRetryAfterMs);
    const { requestCount } = this;
    while (this.#requests.length > 0) await this.#respond(0, 'current');
    await this.#advance(2 * maxRetryAfterMs);
    expect(this.requestCount).toBe(requestCount);
    expect(this.#records.map(({ endCount }) => endCount)).toEqual(this.#records.map(() => 1));
    expect(jest.getTimerCount()).toBe(0);
    this.#expectNoFailure();
  }

  #expectNoFailure(): void {
    for (const { record, hasLeft, hasEnded } of this.#subscribers)
      this.check(record.endCount === 0 || hasLeft || hasEnded, 'A subscriber missed the end.');
    expect([...this.#failures]).toEqual([]);
  }

  // Includes those that have ended: what feeds a poll may not know of its end yet.
  #allOf(of: Name): readonly PollRecord[] {
    return this.#records.filter((record) => record.name === of);
  }

  #current(of: Name): Value {
    return this.#values.get(of) ?? { version: 0, hasEnded: false };
  }

  #change(changed: Name, hasEnded: boolean): void {
    const current = this.#current(changed);
    if (!current.hasEnded) this.#values.set(changed, { version: current.version + 1, hasEnded });
  }

  async #advance(milliseconds: number): Promise<void> {
    clock.advance(milliseconds);
    await nextTurn();
  }

  #createPoll(of: Name, isCached: boolean): PollRecord {
    const { apiKey, intervalMs, isFed } = resources[of];
    const poll = new Poll<Value>({
      createSession: () => {
        record.session = new RecordedSession(client, { apiKey, requestId: of, warn: () => undefined });
        return record.session;
      },
      fetch: () => this.#request(record),
      intervalMs,
      pacer: this.#pacer,
      apiKey,
      isSame,
      hasEnded: ({ hasEnded }) => hasEnded,
      isDeletable: isFed,
      onSuccess: () => {
        this.check(record.endCount === 0, 'A poll called onSuccess after its end.');
      },
      onUnhealthy: () => {
        this.check(record.endCount === 0, 'A poll called onUnhealthy after its end.');
      },
      isFedByAnotherPoll: (hasValue) => isFed && this.#isFeeding && (hasValue || this.#feederRequest !== undefined),
      onEnd: (failure) => {
        this.check(!this.#lateErrors.has(failure), 'A poll ended with the failure of a cancelled request.');
        this.check(
          !this.#requests.some((item) => item.record === record && isInFlight(item)),
          'A request outlived its poll.',
        );
        record.endCount++;
        this.#polls.delete(of);
      },
      ...(isCached ? { cached: this.#current(of), firstDelayMs: 500 } : {}),
    });
    const record: PollRecord = { name: of, poll, endCount: 0, session: undefined };
    this.#polls.set(of, record);
    this.#records.push(record);
    return record;
  }

  #request(record: PollRecord): Promise<Value> {
    const { session } = record;
    const { apiKey } = resources[record.name];
    const now = performance.now();
    this.requestCount++;
    this.check(record.endCount === 0, 'A poll sent a request after its end.');
    this.check(!this.#requests.some((item) => item.record === record && isInFlight(item)), 'Two requests in flight.');
    this.check(now >= (this.#mayStartAt.get(apiKey) ?? 0), 'A request started too early.');
    this.#mayStartAt.set(apiKey, now + this.#pacerIntervalMs);
    return new Promise((resolve, reject) => {
      this.#requests.push({ record, session, atStart: this.#current(record.name), resolve, reject });
    });
  }

  async #respond(index: number, reply: Reply, settles = true): Promise<void> {
    const [request] = this.#requests.splice(index % Math.max(1, this.#requests.length), 1);
    if (request === undefined) return;
    const { apiKey, intervalMs, isFed } = resources[request.record.name];
    const value = reply === 'at start' ? request.atStart : this.#current(request.record.name);
    const isValue = reply === 'current' || reply === 'at start';
    if (isValue && !(isFed && value.hasEnded)) request.resolve(value);
    else {
      const error = toError(isValue ? 'not found' : reply);
      if (!isInFlight(request)) this.#lateErrors.add(error);
      request.reject(error);
    }
    const isHeld = typeof reply === 'number' && isInFlight(request);
    if (settles || isHeld) await nextTurn();
    if (!isHeld) return;
    const delayMs = Math.max(intervalMs, Math.min(reply * 1_000, maxRetryAfterMs));
    this.#mayStartAt.set(apiKey, Math.max(this.#mayStartAt.get(apiKey) ?? 0, performance.now() + delayMs));
  }

  #feed(action: Extract<Command, { do: 'feed' }>['action']): void {
    const request = this.#feederRequest ?? { startedAt: performance.now(), values: new Map(this.#values) };
    this.#feederRequest = action === 'request' ? request : undefined;
    this.#isFeeding = action !== 'fail';
    for (const { poll } of this.#allOf('vpn')) {
      const value = request.values.get('vpn');
      if (action === 'fail') poll.requestIfDue();
      else if (action === 'lack' || (action === 'supply' && value?.hasEnded === true))
        poll.receive(undefined, request.startedAt);
      else if (action === 'supply') poll.receive(value, request.startedAt);
    }
  }
}

function isInFlight({ record, session }: HeldRequest): boolean {
  return record.endCount === 0 && session?.isCancelled === false;
}

describe('Random interleavings of subscribers, responses, supplied values and time', () => {
  it('neither stall a poll nor let it go on after its end, and give subscribers their values in order', async () => {
    const commands = fc.array(command, { minLength: 10, maxLength: 60, size: 'max' });
    let requestCount = 0;
    const runs = fc.asyncProperty(
      fc.constantFrom(0, 50, 700),
      fc.boolean(),
      commands,
      async (intervalMs, isFeeding, steps) => {
        jest.clearAllTimers();
        const run = new Run(intervalMs, isFeeding);
        for (const step of steps) await run.execute(step);
        await run.expectCurrentValues();
        await run.end();
        requestCount += run.requestCount;
      },
    );
    await fc.assert(runs, { numRuns: toRunCount(400) });
    expect(requestCount).toBeGreaterThan(0);
  });
});
