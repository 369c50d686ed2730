// The commands of the model test of the watcher, a client whose requests the test holds, and the responses to them.
import fc from 'fast-check';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import { ClientDisconnectedError } from '../../../src/cloudca/errors.js';
import { type RestResponse, toRestResponse } from '../../../src/cloudca/http/rest-response.js';
import type { WatchEvents } from '../../../src/cloudca/polling/watcher.js';
import type { Caller, ReadRequest } from '../../../src/cloudca/requests.js';
import { RestSession, type SessionOptions } from '../../../src/cloudca/session.js';
import { createWireVpn, taskPollMs, watchPollMs } from './test-watcher.js';

/** Lists what the REST API has: a task and two VPNs. */
export const entities = ['task', 'a', 'b'] as const;
/** Lists what can be watched: an entity, or the list of VPNs. */
export const targets = [...entities, 'list'] as const;
/** Lists the VPNs, in the order of their ids. */
export const vpns = ['a', 'b'] as const;
/** Names an entity. */
export type Entity = (typeof entities)[number];
/** Names a target. */
export type Target = (typeof targets)[number];

/** Shows an entity at one time. A task that has ended never changes again. A VPN that has ended is not found. */
export interface State {
  readonly version: number;
  readonly hasEnded: boolean;
}

/** Shows all entities at one time. */
export type States = ReadonlyMap<Entity, State>;

// `lacking` responds as if nothing existed. A number is a Retry-After in seconds.
const replies = ['current', 'at start', 'lacking', 'failure', 'forbidden', 'busy', 'circuit open', 2, 60] as const;
/** Says what the REST API responds. */
export type Reply = (typeof replies)[number];

/** Describes one step of a run. */
export type Command =
  | { readonly do: 'subscribe'; readonly target: Target }
  | { readonly do: 'wait'; readonly waitMs: number }
  | { readonly do: 'unsubscribe'; readonly index: number }
  | { readonly do: 'change' | 'end'; readonly entity: Entity }
  | { readonly do: 'respond'; readonly index: number; readonly reply: Reply }
  | { readonly do: 'advance'; readonly milliseconds: number };

/** Lists how a run can end: with all subscribers, without those of lists, or with lists that fail. */
export const endings = ['with lists', 'without lists', 'with failing lists'] as const;
/** Says how a run ends. */
export type Ending = (typeof endings)[number];

const entity = fc.constantFrom(...entities, 'a' as const);
const reply = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom<Reply[]>('current', 'at start') },
  { weight: 4, arbitrary: fc.constantFrom<Reply[]>(...replies, 2) },
);
const milliseconds = fc.constantFrom(20, 600, taskPollMs, watchPollMs);
/** Generates a command. */
export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('subscribe'),
      target: fc.constantFrom(...targets, 'a' as const, 'list' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait'), waitMs: fc.constantFrom(500, 2_500, 10_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('unsubscribe'), index: fc.nat(15) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('change'), entity }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end'), entity }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('respond'), index: fc.nat(5), reply }) },
  { weight: 7, arbitrary: fc.record({ do: fc.constant('advance'), milliseconds }) },
);

/** Provides sessions and subscribers with what they need of a run. */
export interface ModelRun {
  /** Receives a request. Returns its response. */
  hold(session: HeldSession, request: ReadRequest): Promise<RestResponse>;
  /** Rejects the requests of a session. */
  cancel(session: HeldSession): void;
  /** Records a failed check. */
  check(isTrue: boolean, message: string): void;
  /** Returns an entity as it is now. */
  state(of: Entity): State;
}

/** Hands its requests to a run. */
export class HeldSession extends RestSession {
  readonly #run: ModelRun;
  /** Names the target of the session's first request; undefined before that. */
  target: Target | undefined;
  isCancelled = false;

  constructor(run: ModelRun, client: CloudcaClient, caller: Caller, options?: SessionOptions) {
    super(client, caller, options);
    this.#run = run;
  }

  override async readResponse<T>(request: ReadRequest, decode: (response: RestResponse) => T): Promise<T> {
    return decode(await this.#run.hold(this, request));
  }

  override cancelReads(): void {
    this.isCancelled = true;
    this.#run.cancel(this);
  }
}

/** Creates sessions that hand their requests to a run. */
export class HeldClient extends CloudcaClient {
  run: ModelRun | undefined;

  override session(caller: Caller, options?: SessionOptions): RestSession {
    if (this.run === undefined) throw new TypeError('The client has no run.');
    return new HeldSession(this.run, this, caller, options);
  }
}

/** Returns the versions of the entities in a value, undefined for a VPN that a list lacks. */
export type ToVersions<T> = (value: T) => readonly (readonly [Entity, number | undefined])[];

/** Checks the events that one subscriber receives. */
export class CheckedSubscriber {
  readonly #run: ModelRun;
  readonly target: Target;
  // The latest version of each entity, `gone` if a list lacked it after its end.
  readonly #versions = new Map<Entity, number | 'gone'>();
  /** The versions in the latest value. A list may lack an entity that it had before. */
  latest: ReadonlyMap<Entity, number> = new Map();
  hasLeft = false;
  hasEnded = false;
  #events: WatchEvents<unknown> | undefined;

  constructor(target: Target, run: ModelRun) {
    this.target = target;
    this.#run = run;
  }

  /** Reads and checks events until they end. */
  async read<T>(events: WatchEvents<T>, toVersions: ToVersions<T>): Promise<void> {
    this.#events = events;
    let hasFailed = false;
    try {
      for await (const event of events) {
        this.#run.check(!this.hasLeft, 'A subscriber received an event after it left.');
        this.#run.check(!hasFailed, 'A subscriber received an event after its failure.');
        hasFailed = 'failure' in event;
        const isCancelled = 'failure' in event && event.failure instanceof ClientDisconnectedError;
        this.#run.check(!isCancelled, 'A subscriber received the failure of a cancelled request.');
        if ('value' in event) this.#receive(toVersions(event.value));
      }
    } catch {
      this.#run.check(false, 'Events threw.');
    }
    this.hasEnded = !this.hasLeft;
  }

  /** Unsubscribes. */
  leave(): void {
    this.hasLeft = !this.hasEnded;
    void this.#events?.return();
  }

  #receive(versions: ReturnType<ToVersions<unknown>>): void {
    const latest = new Map<Entity, number>();
    for (const [item, version] of versions) {
      const before = this.#versions.get(item) ?? 0;
      if (version !== undefined) {
        this.#run.check(before !== 'gone' && version >= before, 'A subscriber received an older value.');
        this.#versions.set(item, version);
        latest.set(item, version);
      } else if (this.#run.state(item).hasEnded) this.#versions.set(item, 'gone');
    }
    this.latest = latest;
  }
}

/** Returns the interval of the polls of a target, in milliseconds. */
export function toIntervalMs(target: Target): number {
  return target === 'task' ? taskPollMs : watchPollMs;
}

/** Creates the response to a request, as the REST API sends it if it has these entities. */
export function toResponse(target: Target, to: Exclude<Reply, 'circuit open'>, states: States): RestResponse {
  const respond = (status: number, body: object, retryAfter?: number) =>
    toRestResponse(status, JSON.stringify(body), retryAfter);
  if (typeof to === 'number') return respond(429, {}, to);
  if (to === 'busy') return respond(429, {});
  if (to === 'failure') return respond(501, {});
  if (to === 'forbidden') return respond(403, { errors: [{ message: 'No.' }] });
  const present = [...states].filter(([, { hasEnded }]) => !hasEnded && to !== 'lacking');
  const wireVpns = new Map(
    present.map(([item, { version }]) => [item, createWireVpn(item, { cidr: String(version) })]),
  );
  wireVpns.delete('task');
  if (target === 'list') return respond(200, { data: [...wireVpns.values()] });
  const task = to === 'lacking' ? undefined : toWireTask(states.get('task'));
  const data = target === 'task' ? task : wireVpns.get(target);
  return data === undefined ? respond(404, { errors: [{ message: 'Not found.' }] }) : respond(200, { data });
}

// The status changes with each version, because subscribers get only changes of the status.
function toWireTask({ version, hasEnded }: State = { version: 0, hasEnded: false }): object {
  const status = hasEnded ? 'SUCCESS' : version % 2 === 0 ? 'PENDING' : 'RUNNING';
  return { id: 't-1', status, created: new Date(version * 1_000) };
}
