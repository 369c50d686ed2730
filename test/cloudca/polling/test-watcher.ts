// What the watcher's tests share: a clock that they turn themselves, a client that tells how many calls are under way, followers that
// note what they are told. The upstream is a real one, on the loopback.
import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, jest } from '@jest/globals';
import { type Caller, CloudcaClient, type RestSession, type SessionOptions } from '../../../src/cloudca/client.js';
import type { EnvironmentAddress } from '../../../src/cloudca/environments.js';
import type { SiteToSiteVpnEntity } from '../../../src/cloudca/site-to-site-vpns.js';
import type { TaskEntity } from '../../../src/cloudca/tasks.js';
import { type WatchEvent, Watcher } from '../../../src/cloudca/polling/watcher.js';
import { atEnd } from '../../helpers/at-end.js';
import { until } from '../../helpers/until.js';
import { cut, json, type Script, startUpstream, type Upstream } from '../../helpers/upstream.js';

/** How often tasks, and VPNs and lists, are looked at here, in milliseconds of the clock that is turned. */
export const taskPollMs = 1_000;
export const watchPollMs = 5_000;

/** The environment that is followed. */
export const testArea: EnvironmentAddress = { serviceCode: 'compute-on', name: 'test_area', organizationId: null };
/** Where its list is. */
export const listPath = '/v1/services/compute-on/test_area/sitetositevpns';

// The request ids of the calls that the upstream holds back.
const heldBack = new Set<string>();

class ObservedClient extends CloudcaClient {
  readonly #requestIds = new WeakMap<RestSession, string>();
  readonly #underWay = new Set<RestSession>();

  /** Whether nothing is under way but what the upstream holds back. */
  get isAtRest(): boolean {
    return [...this.#underWay].every((session) => heldBack.has(this.#requestIds.get(session) ?? ''));
  }

  override session(caller: Caller, options?: SessionOptions): RestSession {
    const session = super.session(caller, options);
    this.#requestIds.set(session, caller.requestId);
    return session;
  }

  override track(session: RestSession): void {
    this.#underWay.add(session);
    super.track(session);
  }

  override untrack(session: RestSession): void {
    this.#underWay.delete(session);
    super.untrack(session);
  }
}

/** What a test file watches with. */
export interface Watching {
  readonly upstream: Upstream;
  readonly client: CloudcaClient;
  /** Paths and queries that the upstream was asked for, in order. */
  readonly hits: () => readonly string[];
  /** Turns the clock, and lets all that comes of it come to rest, but for calls that are held back. */
  readonly tick: (milliseconds: number) => Promise<void>;
  /** Lets everything come to rest, but for calls that are held back. */
  readonly rest: () => Promise<void>;
  /** A watcher that nobody has used. */
  readonly createWatcher: () => Watcher;
}

/** Starts an upstream and stops the clock, until the file's tests are over. A call has 10 s, of the clock that is turned. */
export async function startWatching(): Promise<Watching> {
  const upstream = await startUpstream();
  const client = new ObservedClient({ baseUrl: upstream.url, timeoutMs: 10_000 });
  atEnd(() => client.close());
  beforeAll(() => {
    jest.useFakeTimers({
      doNotFake: [
        'Date',
        'hrtime',
        'nextTick',
        'performance',
        'queueMicrotask',
        'setImmediate',
        'clearImmediate',
        'setInterval',
        'clearInterval',
      ],
    });
  });
  afterAll(() => {
    jest.useRealTimers();
  });
  const rest = async () => {
    do {
      await until(() => client.isAtRest);
      await turn();
    } while (!client.isAtRest);
  };
  return {
    upstream,
    client,
    hits: () => upstream.calls.map(({ url }) => url),
    tick: async (milliseconds) => {
      jest.advanceTimersByTime(milliseconds);
      await rest();
    },
    rest,
    createWatcher: () => new Watcher({ client, taskPollMs, watchPollMs, warn: () => undefined }),
  };
}

/** A follower: reads on and on, and notes what it is told, `end` and `thrown` among it. */
export interface TestFollower {
  readonly log: readonly string[];
  /** Stops reading, and notes no more. */
  leave(): Promise<void>;
}

/** Lets a follower read. */
export function read<T>(events: AsyncIterator<WatchEvent<T>>, show: (value: T) => string): TestFollower {
  const log: string[] = [];
  let left = false;
  const note = (text: string) => {
    if (!left) log.push(text);
  };
  const readOn = async () => {
    for (let next = await events.next(); next.done !== true; next = await events.next()) note(toText(next.value, show));
  };
  void readOn().then(
    () => {
      note('end');
    },
    () => {
      note('thrown');
    },
  );
  return {
    log,
    leave: async () => {
      left = true;
      await events.return?.();
    },
  };
}

/** An event as text: the name of a failure, or the value. */
export function toText<T>(event: WatchEvent<T>, show: (value: T) => string): string {
  if (!('failure' in event)) return show(event.value);
  return event.failure instanceof Error ? event.failure.name : 'something that is no error';
}

/** A task, shown. */
export function showTask(task: TaskEntity): string {
  return task.status;
}

/** A VPN, shown. */
export function showVpn(vpn: SiteToSiteVpnEntity): string {
  return `${vpn.name} ${vpn.state}`;
}

/** A list, shown in the order of the names. */
export function showList(vpns: readonly SiteToSiteVpnEntity[]): string {
  return `[${vpns.map(showVpn).sort().join(', ')}]`;
}

/** The id of the VPN of a name, which is a letter from a to f. */
export function idOf(name: string): string {
  return '00000000-0000-4000-8000-000000000000'.replaceAll('0', name);
}

/** A VPN of the wire. */
export function wireVpn(name: string, fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: idOf(name),
    name,
    state: 'Connected',
    vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
    gateway: '19.19.19.19',
    cidr: '10.12.0.2/22',
    ...fields,
  };
}

/** Answers for an environment that holds these VPNs: the list, or one of them, or 404. */
export function environmentOf(...vpns: readonly Record<string, unknown>[]): Script {
  return ({ url }) => {
    const id = url.split('/')[6];
    if (id === undefined) return { data: vpns };
    const found = vpns.find((vpn) => vpn['id'] === id.toLowerCase());
    return found === undefined ? json(404, { errors: [{ message: 'Not found.' }] }) : { data: found };
  };
}

/** Answers with one after the other; the last stays. */
export function inTurn(...answers: readonly ReturnType<Script>[]): Script {
  return (_call, index) => answers[Math.min(index, answers.length - 1)] ?? {};
}

/** Calls that are held back until the test lets their answers go. */
export class Held {
  readonly #waiting = new Map<ServerResponse, (response: ServerResponse) => void>();
  /** How many have been closed, answered or not. */
  closed = 0;

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Holds a call back; `answer` is what it gets in the end, where nothing else is said then. */
  readonly answer = (response: ServerResponse, answer: (response: ServerResponse) => void = cut): void => {
    heldBack.add(toRequestId(response));
    this.#waiting.set(response, answer);
    response.on('close', () => {
      this.closed++;
      this.#waiting.delete(response);
    });
  };

  /** Lets all answers go: those that were meant, or this one. */
  send(body?: object, status = 200): void {
    for (const [response, answer] of this.#waiting) {
      heldBack.delete(toRequestId(response));
      (body === undefined ? answer : json(status, body))(response);
    }
    this.#waiting.clear();
  }
}

function toRequestId(response: ServerResponse): string {
  return String(response.req.headers['x-request-id']);
}
