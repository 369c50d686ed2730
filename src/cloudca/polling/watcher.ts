// Follows tasks, VPNs and lists by polling: what to ask, how often, when it has changed, when it has ended. However many follow the
// same thing with the same key, there is one poll per interval; two keys never share one. It knows neither GraphQL nor transports.
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Repeater, SlidingBuffer } from '@repeaterjs/repeater';
import { type CloudcaClient, isPathSegment, type ObserveCall, type RestSession, type WireWarning } from '../client.js';
import type { EnvironmentAddress } from '../environments.js';
import { CloudcaError, ForbiddenError, NotFoundError, UnauthenticatedError } from '../errors.js';
import { getSiteToSiteVpn, listSiteToSiteVpns, type SiteToSiteVpnEntity } from '../site-to-site-vpns.js';
import { getTask, hasEnded, type TaskEntity } from '../tasks.js';

/** What a follower is told: the thing as it is now, or, as the last, why it cannot be followed any more. */
export type WatchEvent<T> = { readonly value: T } | { readonly failure: unknown };

/** What a watcher is made of. */
export interface WatcherOptions {
  readonly client: CloudcaClient;
  /** How often a task is looked at, in milliseconds. */
  readonly taskPollMs: number;
  /** How often a VPN or a list is looked at, in milliseconds. */
  readonly watchPollMs: number;
  /** Told of oddities in the REST API's answers. */
  readonly warn: (warning: WireWarning) => void;
  /** Told of each thing that begins to be followed. */
  readonly observe?: ((what: Followed) => FollowObservation) | undefined;
}

/** What can be followed. */
export type Followed = 'task' | 'siteToSiteVpn' | 'siteToSiteVpns';

/** What watches over the following of one thing. */
export interface FollowObservation {
  /** Told of each call that is made for it. */
  readonly observe: ObserveCall;
  /** Told once, when it is followed no more; with the failure that ended it, if one did. */
  readonly end: (failure?: unknown) => void;
}

// After as many failed looks in a row, following ends.
const mostFailures = 3;
// What a follower that does not read may leave unread; older events make way, the last never does.
const mostUnread = 16;

/** A watcher as one caller has it: by that caller's key alone. */
export interface CallersWatcher {
  /** A task as it is now, then once for each change of its status; ends when it has ended. */
  task(id: string, organizationId: string | null): WatchEvents<TaskEntity>;
  /** A VPN as it is now, then once for each change; ends when it has been deleted. */
  siteToSiteVpn(environment: EnvironmentAddress, id: string): WatchEvents<SiteToSiteVpnEntity>;
  /** The VPNs of an environment as they are now, then all of them again after each change; does not end by itself. */
  siteToSiteVpns(environment: EnvironmentAddress): WatchEvents<readonly SiteToSiteVpnEntity[]>;
  /**
   * A task that was just begun, once it has ended, the time is over, or `stop` aborts: as last known then. Never throws for what
   * the REST API does.
   */
  waitForTask(task: TaskEntity, organizationId: string | null, limits: WaitLimits): Promise<TaskEntity>;
}

/** What a follower reads; leaving is `return`. */
export type WatchEvents<T> = Repeater<WatchEvent<T>>;

/** How long to wait. */
export interface WaitLimits {
  /** At the most, in milliseconds. */
  readonly waitMs: number;
  /** Ends the wait at once. */
  readonly stop: AbortSignal;
}

/** The polls of one process. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #tasks = new Map<string, Poll<TaskEntity>>();
  readonly #lists = new Map<string, Poll<readonly SiteToSiteVpnEntity[]>>();
  readonly #vpns = new Map<string, Map<string, Poll<SiteToSiteVpnEntity>>>();

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** How many polls there are. */
  get polls(): number {
    const vpns = [...this.#vpns.values()].reduce((sum, polls) => sum + polls.size, 0);
    return this.#tasks.size + this.#lists.size + vpns;
  }

  /** The watcher of the caller that has a key. */
  of(apiKey: string): CallersWatcher {
    return {
      task: (id, organizationId) => follow(() => this.#taskPoll(apiKey, id, organizationId)),
      siteToSiteVpn: (environment, id) => follow(() => this.#vpnPoll(apiKey, environment, id)),
      siteToSiteVpns: (environment) => follow(() => this.#listPoll(apiKey, environment)),
      waitForTask: (task, organizationId, limits) => this.#waitForTask(apiKey, task, organizationId, limits),
    };
  }

  async #waitForTask(
    apiKey: string,
    task: TaskEntity,
    organizationId: string | null,
    { waitMs, stop }: WaitLimits,
  ): Promise<TaskEntity> {
    // The id is the REST API's word: one that has no address of its own cannot be asked about.
    if (hasEnded(task) || stop.aborted || waitMs <= 0 || !isPathSegment(task.id)) return task;
    // At least one look falls within the wait.
    const firstDelay = Math.min(this.#options.taskPollMs, waitMs / 2);
    return new Promise((resolve) => {
      let known = task;
      let poll: Poll<TaskEntity>;
      const join = (begun: Begun<TaskEntity>) => {
        poll = this.#taskPoll(apiKey, task.id, organizationId, begun);
        poll.join(follower);
      };
      const end = () => {
        clearTimeout(timer);
        stop.removeEventListener('abort', end);
        poll.leave(follower);
        resolve(known);
      };
      const follower: Follower<TaskEntity> = {
        take: (value) => {
          known = value;
        },
        // There is time left: what fails now may come back. What is known is too old by then for those who join.
        end: (failure) => {
          if (failure === undefined || isFinal(failure)) end();
          else join({ firstDelay });
        },
      };
      const timer = setTimeout(end, waitMs);
      stop.addEventListener('abort', end, { once: true });
      join({ known: task, firstDelay });
    });
  }

  #taskPoll(
    apiKey: string,
    id: string,
    organizationId: string | null,
    begun: Begun<TaskEntity> = {},
  ): Poll<TaskEntity> {
    const key = JSON.stringify([apiKey, organizationId, id]);
    return find(this.#tasks, key, () => {
      return new Poll({
        ...this.#observed(apiKey, 'task'),
        look: (rest) => getTask(rest, id, organizationId),
        interval: this.#options.taskPollMs,
        isSame: (one, other) => one.status === other.status,
        hasEnded,
        isGone: () => false,
        left: () => this.#tasks.delete(key),
        ...begun,
      });
    });
  }

  #listPoll(apiKey: string, environment: EnvironmentAddress): Poll<readonly SiteToSiteVpnEntity[]> {
    const key = toKey(apiKey, environment);
    const vpnPolls = () => this.#vpns.get(key)?.entries() ?? [];
    return find(this.#lists, key, () => {
      return new Poll<readonly SiteToSiteVpnEntity[]>({
        ...this.#observed(apiKey, 'siteToSiteVpns'),
        // In an order of its own: the REST API's may change where nothing else does.
        look: async (rest) => (await listSiteToSiteVpns(rest, environment, null)).toSorted(byId),
        interval: this.#options.watchPollMs,
        isSame: isDeepStrictEqual,
        hasEnded: () => false,
        isGone: () => false,
        // While a list is polled, the VPNs in it are followed from it.
        looked: (vpns, begun) => {
          for (const [id, poll] of vpnPolls())
            poll.takeFromElsewhere(findVpn(vpns, id) ?? notInList(environment), begun);
        },
        failed: () => {
          for (const [, poll] of vpnPolls()) poll.lookIfDue();
        },
        left: () => {
          this.#lists.delete(key);
          for (const [, poll] of vpnPolls()) poll.lookIfDue();
        },
      });
    });
  }

  #vpnPoll(apiKey: string, environment: EnvironmentAddress, id: string): Poll<SiteToSiteVpnEntity> {
    const key = toKey(apiKey, environment);
    const polls = find(this.#vpns, key, () => new Map<string, Poll<SiteToSiteVpnEntity>>());
    return find(polls, id, () => {
      const list = this.#lists.get(key);
      // The list may be older than the VPN: one that is not in it is asked for.
      const known = list?.isFresh === true ? findVpn(list.latest ?? [], id) : undefined;
      return new Poll({
        ...this.#observed(apiKey, 'siteToSiteVpn'),
        look: (rest) => getSiteToSiteVpn(rest, environment, id),
        interval: this.#options.watchPollMs,
        isSame: isDeepStrictEqual,
        hasEnded: () => false,
        isGone: (error) => error instanceof NotFoundError,
        isFedFromElsewhere: (seen) => {
          const poll = this.#lists.get(key);
          return poll?.isHealthy === true && (seen || poll.isLooking);
        },
        left: () => {
          polls.delete(id);
          if (polls.size === 0) this.#vpns.delete(key);
        },
        ...(list === undefined || known === undefined ? {} : { known, firstDelay: list.untilLook }),
      });
    });
  }

  // A look has a deadline of its own, and is not tried again before the next interval.
  #observed(apiKey: string, what: Followed): Pick<PollOptions<unknown>, 'session' | 'ended'> {
    const { client, warn, observe: begin } = this.#options;
    const { observe, end } = begin?.(what) ?? {};
    const session = () => client.session({ apiKey, requestId: randomUUID(), warn, observe }, { retries: 0 });
    return end === undefined ? { session } : { session, ended: end };
  }
}

/** Who follows: told of each change, and of the end, with the failure that brought it, if one did. */
interface Follower<T> {
  take(value: T): void;
  end(failure?: unknown): void;
}

/** How a poll begins. */
interface Begun<T> {
  /** What is known of the thing already, not older than an interval. */
  readonly known?: T;
  /** When the first look comes, in milliseconds; at once where nothing is said. */
  readonly firstDelay?: number;
}

interface PollOptions<T> extends Begun<T> {
  /** Makes the session of one look. */
  readonly session: () => RestSession;
  /** Looks at the thing. */
  readonly look: (rest: RestSession) => Promise<T>;
  /** From one look to the next, in milliseconds. */
  readonly interval: number;
  /** Whether nothing has changed that followers are told of. */
  readonly isSame: (one: T, other: T) => boolean;
  /** Whether it will not change any more. */
  readonly hasEnded: (value: T) => boolean;
  /** Whether a failed look says that what was there is no more, which is an end and no failure. */
  readonly isGone: (error: unknown) => boolean;
  /** Told of each look that succeeded, and when it began (as performance.now() has it). */
  readonly looked?: (value: T, begun: number) => void;
  /** Told of each look that failed and is tried again. */
  readonly failed?: () => void;
  /** Whether somebody else looks, and hands over what there is, or tells when it cannot. `seen`: whether it has been seen before. */
  readonly isFedFromElsewhere?: (seen: boolean) => boolean;
  /** Told when nobody follows any more, or nothing is left to follow. */
  readonly left: () => void;
  /** Told the same, after it; with the failure that brought it, if one did. */
  readonly ended?: (failure?: unknown) => void;
}

/** One thing that is looked at again and again, for as long as somebody follows it. */
class Poll<T> {
  readonly #options: PollOptions<T>;
  readonly #followers = new Set<Follower<T>>();
  // Those who joined when nothing was known that is recent enough.
  readonly #untold = new Set<Follower<T>>();
  #latest: T | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextLook = 0;
  // When it was seen last, as performance.now() has it: what was looked at before that may be older than what is known.
  #seen = 0;
  // That of the look under way.
  #session: RestSession | undefined;
  // Whether it is time for a look, which somebody else is about to have.
  #due = false;
  #failures = 0;
  #over = false;

  constructor(options: PollOptions<T>) {
    this.#options = options;
    this.#latest = options.known;
  }

  /** The thing as last seen. */
  get latest(): T | undefined {
    return this.#latest;
  }

  /** Whether no look has failed since one succeeded. */
  get isHealthy(): boolean {
    return this.#failures === 0;
  }

  /** Whether a look is under way, or about to begin because nothing is known yet. */
  get isLooking(): boolean {
    return this.#session !== undefined || (this.#latest === undefined && this.#failures === 0);
  }

  /** Whether what is known is not older than an interval. */
  get isFresh(): boolean {
    return this.#latest !== undefined && this.#failures === 0 && this.#session === undefined && !this.#due;
  }

  /** Milliseconds until the next look. */
  get untilLook(): number {
    return Math.max(0, this.#nextLook - performance.now());
  }

  /** Lets somebody follow: told at once of what is known, or else of what the next look brings. */
  join(follower: Follower<T>): void {
    this.#followers.add(follower);
    if (this.#latest !== undefined && this.isFresh) follower.take(this.#latest);
    else this.#untold.add(follower);
    if (this.#timer === undefined) this.#lookIn(this.#options.firstDelay ?? 0);
  }

  /** Lets somebody go; the last to go ends the looking. */
  leave(follower: Follower<T>): void {
    this.#followers.delete(follower);
    this.#untold.delete(follower);
    if (this.#followers.size === 0) this.#end();
  }

  /** Takes what somebody else has seen by a look that began then; a NotFoundError: that it is no more. */
  takeFromElsewhere(value: T | NotFoundError, begun: number): void {
    if (begun < this.#seen) return;
    if (!(value instanceof NotFoundError)) {
      this.#take(value);
      this.#lookIn(this.#options.interval);
    } else if (this.#latest !== undefined) this.#endAsGone(value);
    // What was never seen may be newer than what somebody else has seen.
    else this.lookIfDue();
  }

  /** Looks for itself, where it is time and somebody else has not. */
  lookIfDue(): void {
    if (this.#due) void this.#look();
  }

  #lookIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#nextLook = performance.now() + milliseconds;
    this.#timer = setTimeout(() => void this.#look(), milliseconds);
  }

  async #look(): Promise<void> {
    this.#due = this.#options.isFedFromElsewhere?.(this.#latest !== undefined) === true;
    if (this.#due) return;
    const session = this.#options.session();
    this.#session = session;
    const begun = performance.now();
    try {
      const value = await this.#options.look(session);
      // It is over, or somebody else was faster.
      if (this.#session !== session) return;
      this.#take(value);
      this.#options.looked?.(value, begun);
    } catch (error) {
      if (this.#session !== session) return;
      this.#fail(error);
    }
    if (!this.#over) this.#lookIn(this.#options.interval);
  }

  #take(value: T): void {
    const changed = this.#latest === undefined || !this.#options.isSame(this.#latest, value);
    this.#latest = value;
    this.#seen = performance.now();
    this.#failures = 0;
    this.#due = false;
    this.#stopLooking();
    for (const follower of changed ? this.#followers : this.#untold) follower.take(value);
    this.#untold.clear();
    if (this.#options.hasEnded(value)) this.#end();
  }

  #fail(error: unknown): void {
    this.#stopLooking();
    this.#failures++;
    if (this.#latest !== undefined && this.#options.isGone(error)) this.#endAsGone(error);
    else if (isFinal(error) || this.#failures >= mostFailures) this.#end(error);
    else this.#options.failed?.();
  }

  // Aborts the look under way, if one is.
  #stopLooking(): void {
    this.#session?.leave();
    this.#session = undefined;
  }

  // Whoever has not seen it learns that there is nothing.
  #endAsGone(error: unknown): void {
    for (const follower of this.#untold) {
      this.#followers.delete(follower);
      follower.end(error);
    }
    this.#end();
  }

  #end(failure?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#due = false;
    clearTimeout(this.#timer);
    this.#stopLooking();
    this.#options.left();
    this.#options.ended?.(failure);
    for (const follower of this.#followers) follower.end(failure);
    this.#followers.clear();
    this.#untold.clear();
  }
}

// After these the next look would fail as well; what is no CloudcaError is a mistake of this program.
function isFinal(error: unknown): boolean {
  const final = [UnauthenticatedError, ForbiddenError, NotFoundError];
  return !(error instanceof CloudcaError) || final.some((type) => error instanceof type);
}

/** Follows a poll for as long as somebody reads. Never throws. */
function follow<T>(toPoll: () => Poll<T>): WatchEvents<T> {
  return new Repeater<WatchEvent<T>>(async (push, stop) => {
    const poll = toPoll();
    const follower: Follower<T> = {
      take: (value) => void push({ value }),
      end: (failure) => {
        if (failure !== undefined) void push({ failure });
        stop();
      },
    };
    poll.join(follower);
    await stop;
    poll.leave(follower);
  }, new SlidingBuffer(mostUnread));
}

function byId(one: SiteToSiteVpnEntity, other: SiteToSiteVpnEntity): number {
  return one.id < other.id ? -1 : Number(one.id > other.id);
}

// A follower may spell an id in capitals.
function findVpn(vpns: readonly SiteToSiteVpnEntity[], id: string): SiteToSiteVpnEntity | undefined {
  return vpns.find((vpn) => vpn.id.toLowerCase() === id.toLowerCase());
}

function notInList({ serviceCode, name }: EnvironmentAddress): NotFoundError {
  return new NotFoundError(`The REST API lists no such site-to-site VPN in ${serviceCode}/${name} any more.`);
}

function find<V>(map: Map<string, V>, key: string, create: () => V): V {
  const found = map.get(key) ?? create();
  map.set(key, found);
  return found;
}

function toKey(apiKey: string, environment: EnvironmentAddress): string {
  return JSON.stringify([apiKey, environment.serviceCode, environment.name, environment.organizationId]);
}
