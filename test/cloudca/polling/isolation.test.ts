// Isolation of two API keys that watch the same resources: random sequences of subscriptions, changes and failures. No key gets values of
// the other, no subscriber gets an older value after a newer one, and no poll remains.
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CloudcaError } from '../../../src/cloudca/errors.js';
import type { SiteToSiteVpnEntity } from '../../../src/cloudca/site-to-site-vpns.js';
import type { TaskEntity } from '../../../src/cloudca/tasks.js';
import type { WatchEvents } from '../../../src/cloudca/polling/watcher.js';
import { json, type UpstreamCall } from '../../helpers/upstream.js';
import {
  createWireVpn,
  HeldResponses,
  startHarness,
  taskPollMs,
  testArea,
  toVpnId,
  watchPollMs,
} from './test-watcher.js';

const { upstream, requestedUrls, advance, settle, createWatcher } = await startHarness();
const keys = ['first-key-of-the-test', 'other-key-of-the-test'] as const;
type Key = (typeof keys)[number];
const tasks = ['t-1', 't-2'];
const vpns = ['a', 'b'];
const list = 'list';
const faults = ['none', 'slow', '501', '404', '403', 'connection lost'] as const;
type Fault = (typeof faults)[number];

// A target is a task's id, a VPN's name, or `list`.
type Command =
  | { readonly do: 'subscribe' | 'wait' | 'change' | 'end'; readonly key: Key; readonly target: string }
  | { readonly do: 'set fault'; readonly key: Key; readonly target: string; readonly fault: Fault }
  | { readonly do: 'unsubscribe'; readonly index: number }
  | { readonly do: 'advance'; readonly milliseconds: number }
  | { readonly do: 'release' };

const key = fc.constantFrom(...keys);
const target = fc.constantFrom(...tasks, ...vpns, list);
const entityTarget = fc.constantFrom(...tasks, ...vpns);
const milliseconds = fc.constantFrom(0, taskPollMs, 2_500, watchPollMs);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('subscribe'), key, target }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait'), key, target: fc.constantFrom(...tasks) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('change'), key, target: entityTarget }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end'), key, target: entityTarget }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('set fault'), key, target, fault: fc.constantFrom(...faults) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('unsubscribe'), index: fc.nat() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('advance'), milliseconds }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release') }) },
);

/** The REST API as one key sees it. Each response shows its key, and the version of each entity in it. */
class KeyState {
  readonly versions = new Map<string, number>();
  // Tasks that have succeeded, and VPNs that have been deleted.
  readonly ended = new Set<string>();
  readonly faults = new Map<string, Fault>();

  constructor(readonly key: Key) {}

  version(name: string): number {
    return this.versions.get(name) ?? 0;
  }

  respond(to: string): [status: number, body: object] {
    const fault = this.faults.get(to) ?? 'none';
    const status = /^\d+$/.test(fault) ? Number(fault) : undefined;
    const isTask = tasks.includes(to);
    if (status !== undefined || (!isTask && this.ended.has(to))) {
      return [status ?? 404, { errors: [{ code: 1, message: toErrorMessage(this.key) }] }];
    }
    if (to === list) return [200, { data: vpns.filter((vpn) => !this.ended.has(vpn)).map((vpn) => this.vpn(vpn)) }];
    return [200, { data: isTask ? this.task(to) : this.vpn(to) }];
  }

  // The day shows the key, the second of the day shows the version.
  created(id: string): Date {
    return new Date(Date.UTC(2026, 0, 1 + keys.indexOf(this.key)) + this.version(id) * 1000);
  }

  // The status changes with each version, because subscribers get only changes of the status.
  task(id: string): object {
    const version = this.version(id);
    return {
      id,
      status: this.ended.has(id) ? 'SUCCESS' : version % 2 === 0 ? 'PENDING' : 'RUNNING',
      created: this.created(id),
      result: 1,
    };
  }

  vpn(name: string): object {
    return createWireVpn(name, { gateway: this.key, cidr: String(this.version(name)) });
  }
}

function toErrorMessage(ofKey: Key): string {
  return `For the ${ofKey.slice(0, 5)} one.`;
}

/** Checks the values that one subscriber gets: they show its own key, and their versions never decrease. */
class Checker {
  hasEnded = false;
  hasFailed = false;
  readonly versions = new Map<string, number>();

  constructor(
    readonly key: Key,
    readonly target: string,
  ) {}

  checkTask(task: TaskEntity): void {
    const instant = Number(task.created) - Date.UTC(2026, 0, 1);
    const day = 24 * 60 * 60 * 1000;
    expect(keys[Math.floor(instant / day)]).toBe(this.key);
    this.checkVersion(this.target, (instant % day) / 1000);
  }

  checkVpn(vpn: SiteToSiteVpnEntity): void {
    expect(vpn.gateway).toBe(this.key);
    this.checkVersion(vpn.name, Number(vpn.cidr));
  }

  checkVersion(name: string, version: number): void {
    expect(version).toBeGreaterThanOrEqual(this.versions.get(name) ?? 0);
    this.versions.set(name, version);
  }

  checkFailure(failure: unknown): void {
    this.hasFailed = true;
    expect(failure).toBeInstanceOf(CloudcaError);
    if (!(failure instanceof CloudcaError)) return;
    for (const { message } of failure.upstream?.errors ?? []) expect(message).toBe(toErrorMessage(this.key));
  }
}

/** One run: a watcher, the REST API as each key sees it, and all subscribers. */
class Run {
  readonly watcher = createWatcher();
  readonly states = new Map(keys.map((ofKey) => [ofKey, new KeyState(ofKey)]));
  readonly held = new HeldResponses();
  readonly stop = new AbortController();
  readonly subscribers: {
    readonly checker: Checker;
    readonly outcome: Promise<unknown>;
    readonly unsubscribe: () => Promise<unknown>;
  }[] = [];
  readonly waits: Promise<unknown>[] = [];

  constructor() {
    upstream.script((call) => (response) => {
      this.respond(call, response);
    });
  }

  state(ofKey: Key): KeyState {
    const state = this.states.get(ofKey);
    if (state === undefined) throw new TypeError('The key has no state.');
    return state;
  }

  // A response shows the state at the time of the request, however late it is sent.
  respond({ url, headers }: UpstreamCall, response: ServerResponse): void {
    const ofKey = keys.find((item) => item === headers['mc-api-key']);
    if (ofKey === undefined) throw new TypeError('The call has an unexpected API key.');
    const lastSegment = url.split('/').at(-1) ?? '';
    const requested = tasks.includes(lastSegment)
      ? lastSegment
      : (vpns.find((vpn) => toVpnId(vpn) === lastSegment) ?? list);
    const fault = this.state(ofKey).faults.get(requested);
    const respond = json(...this.state(ofKey).respond(requested));
    if (fault === 'connection lost') response.destroy();
    else if (fault === 'slow') this.held.hold(response, respond);
    else respond(response);
  }

  async execute(step: Command): Promise<void> {
    switch (step.do) {
      case 'subscribe':
        this.subscribe(step.key, step.target);
        break;
      case 'wait':
        this.wait(step.key, step.target);
        break;
      case 'change':
        this.state(step.key).versions.set(step.target, this.state(step.key).version(step.target) + 1);
        break;
      case 'end':
        this.state(step.key).ended.add(step.target);
        break;
      case 'set fault':
        this.state(step.key).faults.set(step.target, step.fault);
        break;
      case 'unsubscribe':
        await this.subscribers[step.index % Math.max(1, this.subscribers.length)]?.unsubscribe();
        await settle();
        break;
      case 'release':
        this.held.release();
        await settle();
        break;
      case 'advance':
        await this.advance(step.milliseconds);
    }
  }

  // Advances by one interval at most, in which each key requests each task at most once. It may request a list or VPN once more, if a VPN
  // has vanished.
  async advance(milliseconds: number): Promise<void> {
    upstream.calls.splice(0);
    await advance(milliseconds);
    const requests = upstream.calls.map(({ url, headers }) => `${String(headers['mc-api-key'])} ${url}`);
    for (const request of new Set(requests)) {
      const count = requests.filter((other) => other === request).length;
      expect(count).toBeLessThanOrEqual(request.includes('/tasks/') ? 1 : 2);
    }
  }

  subscribe(ofKey: Key, to: string): void {
    const watch = this.watcher.forKey(ofKey);
    const checker = new Checker(ofKey, to);
    if (tasks.includes(to))
      this.read(checker, watch.task(to, null), (task) => {
        checker.checkTask(task);
      });
    else if (vpns.includes(to))
      this.read(checker, watch.siteToSiteVpn(testArea, toVpnId(to)), (vpn) => {
        checker.checkVpn(vpn);
      });
    else
      this.read(checker, watch.siteToSiteVpns(testArea), (entities) => {
        for (const vpn of entities) checker.checkVpn(vpn);
      });
  }

  read<T>(checker: Checker, events: WatchEvents<T>, check: (value: T) => void): void {
    const readAll = async () => {
      for await (const event of events) {
        expect(checker.hasFailed).toBe(false);
        if ('failure' in event) checker.checkFailure(event.failure);
        else check(event.value);
      }
      checker.hasEnded = true;
    };
    this.subscribers.push({ checker, outcome: toOutcome(readAll()), unsubscribe: () => events.return() });
  }

  wait(ofKey: Key, id: string): void {
    const checker = new Checker(ofKey, id);
    const status = this.state(ofKey).version(id) % 2 === 0 ? 'PENDING' : 'UNKNOWN';
    const created = this.state(ofKey).created(id);
    const started: TaskEntity = { id, status, created, result: undefined, errors: [] };
    const limits = { waitMs: 60_000, stop: this.stop.signal };
    const wait = this.watcher.forKey(ofKey).waitForTask(started, null, limits);
    this.waits.push(
      toOutcome(
        wait.then((task) => {
          checker.checkTask(task);
        }),
      ),
    );
  }

  /** Removes all faults, polls three times, and expects every subscriber to have the current versions. */
  async expectCurrentVersions(): Promise<void> {
    for (const state of this.states.values()) state.faults.clear();
    for (let poll = 0; poll < 3; poll++) {
      this.held.release();
      await settle();
      await this.advance(watchPollMs);
    }
    for (const { checker } of this.subscribers) {
      if (checker.hasEnded) continue;
      const state = this.state(checker.key);
      const names = checker.target === list ? vpns.filter((vpn) => !state.ended.has(vpn)) : [checker.target];
      for (const name of names) {
        const [latest, current] = [checker.versions.get(name), state.version(name)];
        // Two changes of a task between polls restore its status, so subscribers do not get them.
        if (tasks.includes(name)) expect(Number(latest) % 2).toBe(current % 2);
        else expect([name, latest]).toEqual([name, current]);
      }
    }
  }

  /** Ends all waits and subscriptions, and expects no check to have failed. */
  async end(): Promise<void> {
    this.stop.abort();
    for (const { unsubscribe } of this.subscribers) await unsubscribe();
    expect(await Promise.all([...this.subscribers.map(({ outcome }) => outcome), ...this.waits])).toEqual(
      Array(this.subscribers.length + this.waits.length).fill('passed'),
    );
    await settle();
  }
}

// Turns a failed check into a value, so that it is not an unhandled rejection before the end of the run.
function toOutcome(checks: Promise<void>): Promise<unknown> {
  return checks.then(
    () => 'passed',
    (error: unknown) => error,
  );
}

describe('Watcher', () => {
  it('keeps two keys apart, never emits an older value, and leaves no poll, for random commands', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40, size: 'max' }), async (commands) => {
        const run = new Run();
        try {
          for (const step of commands) await run.execute(step);
          await run.expectCurrentVersions();
        } finally {
          await run.end();
        }
        expect(run.watcher.pollCount).toBe(0);
        upstream.calls.splice(0);
        await advance(watchPollMs);
        expect(requestedUrls()).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
