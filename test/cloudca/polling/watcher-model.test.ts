// The watcher with lists that feed VPNs, waits and a rate, against random interleavings of subscribers, responses and time. Each request
// stays in flight until a command responds to it. The clock is fake.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { CircuitOpenError, ClientDisconnectedError } from '../../../src/cloudca/errors.js';
import type { RestResponse } from '../../../src/cloudca/http/rest-response.js';
import { type CallerWatcher, Watcher, type WatchEvents } from '../../../src/cloudca/polling/watcher.js';
import type { ReadRequest } from '../../../src/cloudca/requests.js';
import type { TaskEntity } from '../../../src/cloudca/tasks.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { toRunCount } from '../../helpers/run-count.js';
import { taskPollMs, testArea, toVpnId, watchPollMs } from './test-watcher.js';
import {
  CheckedSubscriber,
  type Command,
  command,
  type Ending,
  endings,
  entities,
  type Entity,
  HeldClient,
  type HeldSession,
  type ModelRun,
  type Reply,
  type State,
  type States,
  type Target,
  targets,
  toIntervalMs,
  toResponse,
  type ToVersions,
  vpns,
} from './watcher-model.js';

const clock = useFakeClock();
const apiKey = 'Qk7vXc2nTestKeyOfTheCaller';
const maxRetryAfterMs = 300_000;

/** A request in flight. `target` is what it requests, `poll` what the first request of its session did. */
interface HeldRequest {
  readonly session: HeldSession;
  readonly target: Target;
  readonly poll: Target;
  readonly atStart: States;
  readonly resolve: (response: RestResponse) => void;
  readonly reject: (error: Error) => void;
}

const client = new HeldClient({ baseUrl: 'http://rest.example.test', timeoutMs: 10_000 });
addCleanup(() => client.close());

/** One run: a watcher, the entities as the REST API has them, and the requests in flight. */
class Run implements ModelRun {
  readonly #failures = new Set<string>();
  readonly #watcher: Watcher;
  readonly #caller: CallerWatcher;
  readonly #pacerIntervalMs: number;
  #states: States = new Map(entities.map((item) => [item, { version: 1, hasEnded: false }]));
  readonly #subscribers: CheckedSubscriber[] = [];
  #requests: HeldRequest[] = [];
  // When each pending wait must end.
  readonly #waits = new Set<number>();
  #mayStartAt = 0;
  // How long each target has been watched while no request for it was in flight, although one might have started, and the maximum.
  readonly #idleMs = new Map<Target, number>();
  readonly #maxIdleMs = new Map<Target, number>();
  #idleUntil = 0;
  requestCount = 0;

  constructor(maxRequestsPerMinute: number) {
    const options = { client, taskPollMs, watchPollMs, maxRequestsPerMinute, warn: () => undefined };
    this.#watcher = new Watcher(options);
    this.#caller = this.#watcher.forKey(apiKey);
    this.#pacerIntervalMs = maxRequestsPerMinute === 0 ? 0 : 60_000 / maxRequestsPerMinute;
    client.run = this;
  }

  async execute(step: Command): Promise<void> {
    // No two events are at the same time.
    await this.#advance(1);
    if (step.do === 'subscribe') this.#subscribe(step.target);
    else if (step.do === 'wait') this.#wait(step.waitMs);
    else if (step.do === 'unsubscribe') this.#subscribers.at(step.index % this.#subscribers.length || 0)?.leave();
    else if (step.do === 'respond') await this.#respond(step.index, step.reply);
    else if (step.do === 'advance') await this.#advance(step.milliseconds);
    else this.#change(step.entity, step.do === 'end');
    await settle();
    this.#countIdleTime();
    expect([...this.#failures]).toEqual([]);
  }

  /** Lets time pass without faults, and expects each subscriber to have the current state, or the end. */
  async expectCurrentStates(ending: Ending): Promise<void> {
    for (const subscriber of this.#subscribers)
      if (ending === 'without lists' && subscriber.target === 'list') subscriber.leave();
    await settle();
    for (const milliseconds of [maxRetryAfterMs, ...Array<number>(8).fill(6_000)]) {
      await this.#respondToAll(ending);
      await this.#advance(milliseconds);
    }
    await this.#respondToAll(ending);
    for (const { target, latest, hasLeft, hasEnded } of this.#subscribers) {
      if (hasLeft || hasEnded) continue;
      if (target !== 'list') expect(this.state(target).hasEnded).toBe(false);
      expect(toComparable(latest)).toEqual(this.#currentVersions(target));
    }
    expect(this.#waits.size).toBe(0);
    expect([...this.#failures]).toEqual([]);
  }

  /** Lets all subscribers leave, and expects no poll to go on. */
  async end(): Promise<void> {
    for (const subscriber of this.#subscribers) subscriber.leave();
    await settle();
    expect([this.#watcher.pollCount, this.#requests.length]).toEqual([0, 0]);
    const { requestCount } = this;
    await this.#advance(2 * maxRetryAfterMs);
    expect(this.requestCount).toBe(requestCount);
    expect(jest.getTimerCount()).toBe(0);
    expect([...this.#failures]).toEqual([]);
  }

  hold(session: HeldSession, { path }: ReadRequest): Promise<RestResponse> {
    const last = path.at(-1);
    const target = path[0] === 'tasks' ? 'task' : (entities.find((item) => toVpnId(item) === last) ?? 'list');
    const isFirst = session.target === undefined;
    const poll = (session.target ??= target);
    this.requestCount++;
    this.#countIdleTime();
    this.#idleMs.delete(target);
    this.check(!session.isCancelled, 'A cancelled session sent a request.');
    if (isFirst) {
      const others = this.#requests.filter((item) => item.poll === target);
      this.check(others.length === 0, 'Two requests of a poll were in flight.');
      // Only the first request of a session waits for its turn.
      this.check(performance.now() >= this.#mayStartAt, 'A request started too early.');
      this.#mayStartAt = performance.now() + this.#pacerIntervalMs;
    }
    return new Promise((resolve, reject) => {
      this.#requests.push({ session, target, poll, atStart: this.#states, resolve, reject });
    });
  }

  cancel(session: HeldSession): void {
    this.#countIdleTime();
    for (const { reject } of this.#requests.filter((item) => item.session === session))
      reject(new ClientDisconnectedError('Cancelled.'));
    this.#requests = this.#requests.filter((item) => item.session !== session);
  }

  check(isTrue: boolean, message: string): void {
    if (!isTrue) this.#failures.add(message);
  }

  #countIdleTime(): void {
    const now = performance.now();
    const idleMs = Math.max(0, now - Math.max(this.#idleUntil, this.#mayStartAt));
    this.#idleUntil = now;
    for (const target of targets) {
      // The list feeds the VPNs.
      const sources: readonly Target[] = target === 'task' ? [target] : [target, 'list'];
      const isRequested = this.#requests.some((request) => sources.includes(request.poll));
      const isWatched =
        (target === 'task' && [...this.#waits].some((endsAt) => endsAt > now)) ||
        this.#subscribers.some((item) => item.target === target && !item.hasLeft && !item.hasEnded);
      const total = (this.#idleMs.get(target) ?? 0) + (isRequested ? 0 : idleMs);
      this.#idleMs.set(target, isWatched ? total : 0);
      const maxMs = this.#maxIdleMs.get(target) ?? toIntervalMs(target);
      this.check(!isWatched || total <= maxMs, `The poll of ${target} stalled.`);
    }
  }

  // A busy REST API delays a poll by four intervals at most. A list that gets no value stays the source of its VPNs unless it failed.
  #startIdleTime(target: Target, to: Reply): void {
    this.#maxIdleMs.set(target, toIntervalMs(target) * (to === 'busy' ? 4 : 1));
    if (target !== 'list' || ['failure', 'busy', 'forbidden'].includes(String(to))) return;
    for (const vpn of vpns) this.#idleMs.delete(vpn);
  }

  #subscribe(target: Target): void {
    this.#countIdleTime();
    if (target === 'task') {
      this.#read(target, this.#caller.task('t-1', null), (task) => [['task', toVersion(task)]]);
    } else if (target === 'list') {
      this.#read(target, this.#caller.siteToSiteVpns(testArea), (list) => {
        const versions = new Map(list.map((vpn) => [vpn.name, Number(vpn.cidr)]));
        return vpns.map((item) => [item, versions.get(item)]);
      });
    } else {
      this.#read(target, this.#caller.siteToSiteVpn(testArea, toVpnId(target)), ({ cidr }) => [[target, Number(cidr)]]);
    }
  }

  #read<T>(target: Target, events: WatchEvents<T>, toVersions: ToVersions<T>): void {
    const subscriber = new CheckedSubscriber(target, this);
    this.#subscribers.push(subscriber);
    void subscriber.read(events, toVersions);
  }

  #wait(waitMs: number): void {
    this.#countIdleTime();
    const endsAt = performance.now() + waitMs;
    this.#waits.add(endsAt);
    const { version } = this.state('task');
    const status = version % 2 === 0 ? 'PENDING' : 'UNKNOWN';
    const created = new Date(version * 1_000);
    const task: TaskEntity = { id: 't-1', status, created, result: undefined, errors: [] };
    const limits = { waitMs, stop: new AbortController().signal };
    void this.#caller.waitForTask(task, null, limits).then(() => this.#waits.delete(endsAt));
  }

  state(of: Entity): State {
    return this.#states.get(of) ?? { version: 0, hasEnded: true };
  }

  #change(changed: Entity, hasEnded: boolean): void {
    const { version, hasEnded: hadEnded } = this.state(changed);
    if (!hadEnded) this.#states = new Map([...this.#states, [changed, { version: version + 1, hasEnded }]]);
  }

  #currentVersions(target: Target): ReadonlyMap<Entity, number> {
    const present = (target === 'list' ? vpns : [target]).filter((item) => !this.state(item).hasEnded);
    return toComparable(present.map((item) => [item, this.state(item).version]));
  }

  async #advance(milliseconds: number): Promise<void> {
    clock.advance(milliseconds);
    await settle();
  }

  async #respondToAll(ending: Ending): Promise<void> {
    for (let [request] = this.#requests; request !== undefined; [request] = this.#requests)
      await this.#respond(0, ending === 'with failing lists' && request.target === 'list' ? 'failure' : 'current');
  }

  async #respond(index: number, to: Reply): Promise<void> {
    this.#countIdleTime();
    const [request] = this.#requests.splice(index % Math.max(1, this.#requests.length), 1);
    if (request === undefined) return;
    this.#startIdleTime(request.poll, to);
    if (to === 'circuit open') request.reject(new CircuitOpenError());
    else request.resolve(toResponse(request.target, to, to === 'at start' ? request.atStart : this.#states));
    await settle();
    if (typeof to !== 'number') return;
    const delayMs = Math.max(toIntervalMs(request.poll), to * 1_000);
    this.#mayStartAt = Math.max(this.#mayStartAt, performance.now() + delayMs);
  }
}

async function settle(): Promise<void> {
  await nextTurn();
  await nextTurn();
}

// Two changes of a task between polls restore its status, so subscribers do not get them.
function toComparable(versions: Iterable<readonly [Entity, number]>): ReadonlyMap<Entity, number> {
  return new Map([...versions].map(([item, version]) => [item, item === 'task' ? version % 2 : version]));
}

function toVersion({ created }: TaskEntity): number {
  return Number(created) / 1_000;
}

describe('Random interleavings of subscribers, waits, responses and time', () => {
  it('neither stall a poll nor let it go on without subscribers, and give subscribers their values in order', async () => {
    const commands = fc.array(command, { minLength: 10, maxLength: 60, size: 'max' });
    const rate = fc.constantFrom(0, 60, 1_200);
    let requestCount = 0;
    const property = fc.asyncProperty(rate, fc.constantFrom(...endings), commands, async (perMinute, ending, steps) => {
      jest.clearAllTimers();
      const run = new Run(perMinute);
      for (const step of steps) await run.execute(step);
      await run.expectCurrentStates(ending);
      await run.end();
      requestCount += run.requestCount;
    });
    await fc.assert(property, { numRuns: toRunCount(200) });
    expect(requestCount).toBeGreaterThan(0);
  });
});
