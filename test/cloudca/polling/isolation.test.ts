// Two keys that follow the same tasks, VPNs and lists, joining, leaving, changing and failing in any order: neither ever learns what the
// other one sees, nobody is taken back in time, and nothing is left when all have left.
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CloudcaError } from '../../../src/cloudca/errors.js';
import type { SiteToSiteVpnEntity } from '../../../src/cloudca/site-to-site-vpns.js';
import type { TaskEntity } from '../../../src/cloudca/tasks.js';
import type { WatchEvents } from '../../../src/cloudca/polling/watcher.js';
import { json, type UpstreamCall } from '../../helpers/upstream.js';
import { Held, idOf, startWatching, taskPollMs, testArea, watchPollMs, wireVpn } from './test-watcher.js';

const { upstream, hits, tick, rest, createWatcher } = await startWatching();
const keys = ['first-key-of-the-test', 'other-key-of-the-test'] as const;
type Key = (typeof keys)[number];
const tasks = ['t-1', 't-2'];
const vpns = ['a', 'b'];
const list = 'list';
const healths = ['well', 'slow', '500', '404', '403', 'cut'] as const;
type Health = (typeof healths)[number];

type Command =
  | { readonly do: 'join' | 'wait' | 'change' | 'end'; readonly key: Key; readonly what: string }
  | { readonly do: 'turn'; readonly key: Key; readonly what: string; readonly health: Health }
  | { readonly do: 'leave'; readonly which: number }
  | { readonly do: 'tick'; readonly milliseconds: number }
  | { readonly do: 'release' };

const key = fc.constantFrom(...keys);
const what = fc.constantFrom(...tasks, ...vpns, list);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('join'), key, what }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait'), key, what: fc.constantFrom(...tasks) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('change'), key, what: fc.constantFrom(...tasks, ...vpns) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end'), key, what: fc.constantFrom(...tasks, ...vpns) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('turn'), key, what, health: fc.constantFrom(...healths) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('leave'), which: fc.nat() }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('tick'), milliseconds: fc.constantFrom(0, taskPollMs, 2_500, watchPollMs) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release') }) },
);

/** What one key sees: how often each thing has changed, what is gone or has ended, and how the REST API feels. */
class Sight {
  readonly versions = new Map<string, number>();
  readonly ended = new Set<string>();
  readonly healths = new Map<string, Health>();

  constructor(readonly key: Key) {}

  version(what: string): number {
    return this.versions.get(what) ?? 0;
  }

  answer(what: string): [status: number, body: object] {
    const health = this.healths.get(what) ?? 'well';
    const status = /^\d+$/.test(health) ? Number(health) : undefined;
    const isTask = tasks.includes(what);
    if (status !== undefined || (!isTask && this.ended.has(what))) {
      return [status ?? 404, { errors: [{ code: 1, message: `For the ${this.key.slice(0, 5)} one.` }] }];
    }
    if (what === list) return [200, { data: vpns.filter((vpn) => !this.ended.has(vpn)).map((vpn) => this.vpn(vpn)) }];
    return [200, { data: isTask ? this.task(what) : this.vpn(what) }];
  }

  created(id: string): Date {
    return new Date(Date.UTC(2026, 0, 1 + keys.indexOf(this.key)) + this.version(id) * 1000);
  }

  // A task changes by its status alone; the day it was begun tells the key, its second the version.
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
    return wireVpn(name, { gateway: this.key, cidr: String(this.version(name)) });
  }
}

/** Someone who follows: what was told, and with which key and version. */
class Told {
  ended = false;
  failed = false;
  readonly versions = new Map<string, number>();

  constructor(
    readonly key: Key,
    readonly what: string,
  ) {}

  task(task: TaskEntity): void {
    const instant = Number(task.created) - Date.UTC(2026, 0, 1);
    const day = 24 * 60 * 60 * 1000;
    expect(keys[Math.floor(instant / day)]).toBe(this.key);
    this.see(this.what, (instant % day) / 1000);
  }

  vpn(vpn: SiteToSiteVpnEntity): void {
    expect(vpn.gateway).toBe(this.key);
    this.see(vpn.name, Number(vpn.cidr));
  }

  see(name: string, version: number): void {
    expect(version).toBeGreaterThanOrEqual(this.versions.get(name) ?? 0);
    this.versions.set(name, version);
  }

  failure(failure: unknown): void {
    this.failed = true;
    expect(failure).toBeInstanceOf(CloudcaError);
    if (!(failure instanceof CloudcaError)) return;
    for (const { message } of failure.answer?.errors ?? [])
      expect(message).toBe(`For the ${this.key.slice(0, 5)} one.`);
  }
}

class World {
  readonly watcher = createWatcher();
  readonly sights = new Map(keys.map((of) => [of, new Sight(of)]));
  readonly held = new Held();
  readonly stop = new AbortController();
  readonly followers: {
    readonly told: Told;
    readonly reading: Promise<unknown>;
    readonly leave: () => Promise<unknown>;
  }[] = [];
  readonly waits: Promise<unknown>[] = [];

  constructor() {
    upstream.script((call) => (response) => {
      this.respond(call, response);
    });
  }

  sight(of: Key): Sight {
    const sight = this.sights.get(of);
    if (sight === undefined) throw new TypeError('There is no such key.');
    return sight;
  }

  // What is told is what there was when the call came, however long the answer takes.
  respond({ url, headers }: UpstreamCall, response: ServerResponse): void {
    const of = keys.find((each) => each === headers['mc-api-key']);
    const last = url.split('/').at(-1) ?? '';
    const asked = tasks.includes(last) ? last : (vpns.find((vpn) => idOf(vpn) === last) ?? list);
    if (of === undefined) throw new TypeError('A call came with no key that is known.');
    const health = this.sight(of).healths.get(asked);
    const answer = json(...this.sight(of).answer(asked));
    if (health === 'cut') response.destroy();
    else if (health === 'slow') this.held.answer(response, answer);
    else answer(response);
  }

  async run(step: Command): Promise<void> {
    switch (step.do) {
      case 'join':
        this.join(step.key, step.what);
        break;
      case 'wait':
        this.wait(step.key, step.what);
        break;
      case 'change':
        this.sight(step.key).versions.set(step.what, this.sight(step.key).version(step.what) + 1);
        break;
      case 'end':
        this.sight(step.key).ended.add(step.what);
        break;
      case 'turn':
        this.sight(step.key).healths.set(step.what, step.health);
        break;
      case 'leave':
        await this.followers[step.which % Math.max(1, this.followers.length)]?.leave();
        await rest();
        break;
      case 'release':
        this.held.send();
        await rest();
        break;
      case 'tick':
        await this.tick(step.milliseconds);
    }
  }

  // No longer than an interval: whatever is looked at, is looked at once.
  async tick(milliseconds: number): Promise<void> {
    upstream.calls.splice(0);
    await tick(milliseconds);
    const looks = upstream.calls.map(({ url, headers }) => `${String(headers['mc-api-key'])} ${url}`);
    expect(looks).toEqual([...new Set(looks)]);
  }

  join(of: Key, what: string): void {
    const watch = this.watcher.of(of);
    const told = new Told(of, what);
    if (tasks.includes(what))
      this.follow(told, watch.task(what, null), (task) => {
        told.task(task);
      });
    else if (vpns.includes(what))
      this.follow(told, watch.siteToSiteVpn(testArea, idOf(what)), (vpn) => {
        told.vpn(vpn);
      });
    else
      this.follow(told, watch.siteToSiteVpns(testArea), (all) => {
        for (const vpn of all) told.vpn(vpn);
      });
  }

  follow<T>(told: Told, events: WatchEvents<T>, see: (value: T) => void): void {
    const readOn = async () => {
      for await (const event of events) {
        expect(told.failed).toBe(false);
        if ('failure' in event) told.failure(event.failure);
        else see(event.value);
      }
      told.ended = true;
    };
    this.followers.push({ told, reading: outcomeOf(readOn()), leave: () => events.return() });
  }

  wait(of: Key, id: string): void {
    const told = new Told(of, id);
    const status = this.sight(of).version(id) % 2 === 0 ? 'PENDING' : 'UNKNOWN';
    const begun: TaskEntity = { id, status, created: this.sight(of).created(id), result: undefined, errors: [] };
    const limits = { waitMs: 60_000, stop: this.stop.signal };
    const wait = this.watcher.of(of).waitForTask(begun, null, limits);
    const waited = wait.then((task) => {
      told.task(task);
    });
    this.waits.push(outcomeOf(waited));
  }

  /** Whoever still follows knows how things are once the REST API is well for two intervals. */
  async settle(): Promise<void> {
    for (const sight of this.sights.values()) sight.healths.clear();
    for (let look = 0; look < 3; look++) {
      this.held.send();
      await rest();
      await this.tick(watchPollMs);
    }
    for (const { told } of this.followers) {
      if (told.ended) continue;
      const sight = this.sight(told.key);
      const seen = told.what === list ? vpns.filter((vpn) => !sight.ended.has(vpn)) : [told.what];
      for (const name of seen) {
        const [known, current] = [told.versions.get(name), sight.version(name)];
        // Every other change of a task brings its status back, which is no news where both fall between two looks.
        if (tasks.includes(name)) expect(Number(known) % 2).toBe(current % 2);
        else expect([name, known]).toEqual([name, current]);
      }
    }
  }

  async end(): Promise<void> {
    this.stop.abort();
    for (const { leave } of this.followers) await leave();
    expect(await Promise.all([...this.followers.map(({ reading }) => reading), ...this.waits])).toEqual(
      Array(this.followers.length + this.waits.length).fill('fine'),
    );
    await rest();
  }
}

// What was wrong with what somebody was told, kept until it is asked for.
function outcomeOf(told: Promise<void>): Promise<unknown> {
  return told.then(
    () => 'fine',
    (error: unknown) => error,
  );
}

describe('Two keys', () => {
  it('never learn what the other one sees, go forward in time, and leave nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40, size: 'max' }), async (commands) => {
        const world = new World();
        try {
          for (const step of commands) await world.run(step);
          await world.settle();
        } finally {
          await world.end();
        }
        expect(world.watcher.polls).toBe(0);
        upstream.calls.splice(0);
        await tick(watchPollMs);
        expect(hits()).toEqual([]);
      }),
      { numRuns: 100 },
    );
  }, 60_000);
});
