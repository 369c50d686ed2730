// Watches tasks, VPNs and lists of VPNs by polling. All subscribers of one key to one resource share a poll; two keys never share one.
// Knows neither GraphQL nor transports.
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Repeater, SlidingBuffer } from '@repeaterjs/repeater';
import type { CloudcaClient } from '../client.js';
import type { WireWarning } from '../decode.js';
import type { EnvironmentAddress } from '../environments.js';
import { toIdKey } from '../ids.js';
import { isPathSegment } from '../path-segments.js';
import type { ObserveCall } from '../requests.js';
import { getSiteToSiteVpn, type SiteToSiteVpnEntity } from '../site-to-site-vpns.js';
import { getTask, hasEnded, type TaskEntity } from '../tasks.js';
import { Pacer } from './pacer.js';
import { Poll, type PollOptions, type PollStart, type Subscriber } from './poll.js';
import { isPermanentFailure } from './poll-failures.js';
import { findVpn, requestVpnList } from './vpn-list.js';

/** An event for a subscriber: the current value, or, as the last event, the failure that ended the watch. */
export type WatchEvent<T> = { readonly value: T } | { readonly failure: unknown };

/** The events of one subscriber. `return` unsubscribes. */
export type WatchEvents<T> = Repeater<WatchEvent<T>>;

/** The kinds of resources that can be watched. */
export type WatchTarget = 'task' | 'siteToSiteVpn' | 'siteToSiteVpns';

/** Observes the poll of one resource, for metrics and traces. */
export interface WatchObservation {
  /** Receives each REST call of the poll. */
  readonly observe: ObserveCall;
  /** Receives the end of the poll, once, with the failure that caused it, if any. */
  readonly end: (failure?: unknown) => void;
}

/** Options of a Watcher. */
export interface WatcherOptions {
  readonly client: CloudcaClient;
  /** Milliseconds between the requests of a poll of a task. */
  readonly taskPollMs: number;
  /** Milliseconds between the requests of a poll of a VPN or a list. */
  readonly watchPollMs: number;
  /**
   * Maximum number of requests that the polls of one key make in a minute, together; 0: no limit. Default: 0. Whatever the maximum, a key
   * may make one request per `taskPollMs`, so that a single poll is never slowed down.
   */
  readonly maxRequestsPerMinute?: number;
  /** Receives unexpected values in responses. */
  readonly warn: (warning: WireWarning) => void;
  /** Called when a poll starts. Returns its observation. */
  readonly startObservation?: ((target: WatchTarget) => WatchObservation) | undefined;
}

/** Watches on behalf of one caller, with that caller's key alone. */
export interface CallerWatcher {
  /** Emits a task as it is now, then after each change of its status. Ends when the task has ended. */
  task(id: string, organizationId: string | null): WatchEvents<TaskEntity>;
  /** Emits a VPN as it is now, then after each change. Ends when the VPN has been deleted. */
  siteToSiteVpn(environment: EnvironmentAddress, id: string): WatchEvents<SiteToSiteVpnEntity>;
  /** Emits all VPNs of an environment as they are now, then all of them again after each change. Does not end by itself. */
  siteToSiteVpns(environment: EnvironmentAddress): WatchEvents<readonly SiteToSiteVpnEntity[]>;
  /**
   * Waits until the task has ended, it can no longer be polled, `waitMs` have passed, or `stop` aborts. Returns its latest state. Does not
   * reject if polls fail.
   */
  waitForTask(task: TaskEntity, organizationId: string | null, limits: WaitLimits): Promise<TaskEntity>;
}

/** How long to wait for a task. */
export interface WaitLimits {
  /** Maximum, in milliseconds. */
  readonly waitMs: number;
  /** Ends the wait at once. */
  readonly stop: AbortSignal;
}

// Maximum number of unread events of a subscriber. Older events are dropped, the latest never.
const maxUnreadEvents = 16;

/** The polls of one process. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #pacer: Pacer;
  readonly #tasks = new Map<string, Poll<TaskEntity>>();
  readonly #lists = new Map<string, Poll<readonly SiteToSiteVpnEntity[]>>();
  readonly #vpns = new Map<string, Map<string, Poll<SiteToSiteVpnEntity>>>();

  constructor(options: WatcherOptions) {
    this.#options = options;
    const { maxRequestsPerMinute = 0, taskPollMs } = options;
    this.#pacer = new Pacer(maxRequestsPerMinute === 0 ? 0 : Math.min(60_000 / maxRequestsPerMinute, taskPollMs));
  }

  /** The number of active polls. */
  get pollCount(): number {
    const vpns = [...this.#vpns.values()].reduce((sum, polls) => sum + polls.size, 0);
    return this.#tasks.size + this.#lists.size + vpns;
  }

  /** Returns the watcher of the caller with this key. Calls `onJoin` if a resource is polled already when its watch is created. */
  forKey(apiKey: string, onJoin: () => void = () => undefined): CallerWatcher {
    return {
      task: (id, organizationId) => {
        if (this.#tasks.has(toTaskKey(apiKey, id, organizationId))) onJoin();
        return subscribe(() => this.#taskPoll(apiKey, id, organizationId));
      },
      siteToSiteVpn: (environment, id) => {
        if (this.#vpns.get(toEnvironmentKey(apiKey, environment))?.has(toIdKey(id)) === true) onJoin();
        return subscribe(() => this.#vpnPoll(apiKey, environment, id));
      },
      siteToSiteVpns: (environment) => {
        if (this.#lists.has(toEnvironmentKey(apiKey, environment))) onJoin();
        return subscribe(() => this.#listPoll(apiKey, environment));
      },
      waitForTask: (task, organizationId, limits) => this.#waitForTask(apiKey, task, organizationId, limits),
    };
  }

  async #waitForTask(
    apiKey: string,
    task: TaskEntity,
    organizationId: string | null,
    { waitMs, stop }: WaitLimits,
  ): Promise<TaskEntity> {
    // The id comes from the REST API: an id that cannot be part of a path cannot be polled.
    if (hasEnded(task) || stop.aborted || waitMs <= 0 || !isPathSegment(task.id)) return task;
    // Makes at least one request within the wait, before the requests of the key's other polls.
    const firstDelayMs = Math.min(this.#options.taskPollMs, waitMs / 2);
    return new Promise((resolve) => {
      let latest = task;
      let poll: Poll<TaskEntity>;
      const subscribeTo = (start: PollStart<TaskEntity>) => {
        poll = this.#taskPoll(apiKey, task.id, organizationId, start);
        poll.expedite();
        poll.subscribe(subscriber);
      };
      const end = () => {
        clearTimeout(timer);
        stop.removeEventListener('abort', end);
        poll.unsubscribe(subscriber);
        resolve(latest);
      };
      const subscriber: Subscriber<TaskEntity> = {
        onValue: (value) => {
          latest = value;
        },
        // A transient failure may pass while there is time left. The latest value is then too old for other subscribers.
        onEnd: (failure) => {
          if (failure === undefined || isPermanentFailure(failure)) end();
          else subscribeTo({ firstDelayMs });
        },
      };
      const timer = setTimeout(end, waitMs);
      stop.addEventListener('abort', end, { once: true });
      subscribeTo({ cached: task, firstDelayMs });
    });
  }

  #taskPoll(
    apiKey: string,
    id: string,
    organizationId: string | null,
    start: PollStart<TaskEntity> = {},
  ): Poll<TaskEntity> {
    const key = toTaskKey(apiKey, id, organizationId);
    return getOrCreate(this.#tasks, key, () => {
      return new Poll({
        ...this.#toPollOptions(apiKey, 'task', () => this.#tasks.delete(key)),
        fetch: (rest) => getTask(rest, id, organizationId),
        intervalMs: this.#options.taskPollMs,
        isSame: (one, other) => one.status === other.status,
        hasEnded,
        isDeletable: false,
        ...start,
      });
    });
  }

  #listPoll(apiKey: string, environment: EnvironmentAddress): Poll<readonly SiteToSiteVpnEntity[]> {
    const key = toEnvironmentKey(apiKey, environment);
    const vpnPolls = (): Iterable<[string, Poll<SiteToSiteVpnEntity>]> => this.#vpns.get(key) ?? [];
    return getOrCreate(this.#lists, key, () => {
      return new Poll<readonly SiteToSiteVpnEntity[]>({
        ...this.#toPollOptions(apiKey, 'siteToSiteVpns', () => {
          this.#lists.delete(key);
          for (const [, poll] of vpnPolls()) poll.requestIfDue();
        }),
        fetch: (rest, latest) => requestVpnList(rest, environment, latest),
        intervalMs: this.#options.watchPollMs,
        isSame: isDeepStrictEqual,
        hasEnded: () => false,
        isDeletable: false,
        // While a list is polled, the VPNs in it need no polls of their own.
        onSuccess: (vpns, startedAt) => {
          if (!this.#vpns.has(key)) return;
          // To search the list for each VPN would take time quadratic in its length.
          const byId = new Map(vpns.map((vpn) => [toIdKey(vpn.id), vpn]));
          for (const [id, poll] of vpnPolls()) poll.receive(byId.get(id), startedAt);
        },
        onUnhealthy: () => {
          for (const [, poll] of vpnPolls()) poll.requestIfDue();
        },
      });
    });
  }

  #vpnPoll(apiKey: string, environment: EnvironmentAddress, id: string): Poll<SiteToSiteVpnEntity> {
    const key = toEnvironmentKey(apiKey, environment);
    const polls = getOrCreate(this.#vpns, key, () => new Map<string, Poll<SiteToSiteVpnEntity>>());
    const idKey = toIdKey(id);
    return getOrCreate(polls, idKey, () => {
      const list = this.#lists.get(key);
      // The list may be older than the VPN: a VPN that is not in it is requested by its id.
      const cached = list?.isFresh === true ? findVpn(list.latest ?? [], id) : undefined;
      return new Poll({
        ...this.#toPollOptions(apiKey, 'siteToSiteVpn', () => {
          polls.delete(idKey);
          if (polls.size === 0) this.#vpns.delete(key);
        }),
        fetch: (rest) => getSiteToSiteVpn(rest, environment, id),
        intervalMs: this.#options.watchPollMs,
        isSame: isDeepStrictEqual,
        hasEnded: () => false,
        isDeletable: true,
        isFedByAnotherPoll: (hasValue) => {
          const poll = this.#lists.get(key);
          return poll?.isHealthy === true && (hasValue || poll.isRequesting);
        },
        ...(list === undefined || cached === undefined ? {} : { cached, firstDelayMs: list.msUntilNextRequest }),
      });
    });
  }

  // Each request of a poll has a deadline of its own and is not retried before the next interval.
  #toPollOptions(
    apiKey: string,
    target: WatchTarget,
    forget: () => void,
  ): Pick<PollOptions<unknown>, 'createSession' | 'pacer' | 'apiKey' | 'onEnd'> {
    const { client, warn, startObservation } = this.#options;
    const { observe, end } = startObservation?.(target) ?? {};
    return {
      createSession: () => client.session({ apiKey, requestId: randomUUID(), warn, observe }, { maxRetries: 0 }),
      pacer: this.#pacer,
      apiKey,
      onEnd: (failure) => {
        forget();
        end?.(failure);
      },
    };
  }
}

/** Emits the events of a poll for as long as they are read. Never throws. */
function subscribe<T>(getPoll: () => Poll<T>): WatchEvents<T> {
  return new Repeater<WatchEvent<T>>(async (push, stop) => {
    const poll = getPoll();
    const subscriber: Subscriber<T> = {
      onValue: (value) => void push({ value }),
      onEnd: (failure) => {
        if (failure !== undefined) void push({ failure });
        stop();
      },
    };
    poll.subscribe(subscriber);
    await stop;
    poll.unsubscribe(subscriber);
  }, new SlidingBuffer(maxUnreadEvents));
}

function getOrCreate<V>(map: Map<string, V>, key: string, create: () => V): V {
  const value = map.get(key) ?? create();
  map.set(key, value);
  return value;
}

function toTaskKey(apiKey: string, id: string, organizationId: string | null): string {
  return JSON.stringify([apiKey, organizationId, toIdKey(id)]);
}

function toEnvironmentKey(apiKey: string, environment: EnvironmentAddress): string {
  return JSON.stringify([apiKey, environment.serviceCode, environment.name, environment.organizationId]);
}
