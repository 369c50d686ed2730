// Helpers of the watcher's tests: a fake clock, subscribers that record events, and scripts for the upstream.
import type { ServerResponse } from 'node:http';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import type { EnvironmentAddress } from '../../../src/cloudca/environments.js';
import type { SiteToSiteVpnEntity } from '../../../src/cloudca/site-to-site-vpns.js';
import type { TaskEntity } from '../../../src/cloudca/tasks.js';
import { type WatchEvent, Watcher } from '../../../src/cloudca/polling/watcher.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { type Fakeable, useFakeClock } from '../../helpers/fake-clock.js';
import { trackRestCalls } from '../../helpers/rest-calls.js';
import { dropConnection, json, type Script, startUpstream, type Upstream } from '../../helpers/upstream.js';

/** Interval between polls of a task, in fake milliseconds. */
export const taskPollMs = 1_000;
/** Interval between polls of a VPN or a list, in fake milliseconds. */
export const watchPollMs = 5_000;

/** The environment that tests watch. */
export const testArea: EnvironmentAddress = { serviceCode: 'compute-on', name: 'test_area', organizationId: null };
/** Path of the list of VPNs in the environment. */
export const listPath = '/v1/services/compute-on/test_area/sitetositevpns';

// The request ids of the calls whose responses the upstream holds back.
const heldRequestIds = new Set<string>();

/** The upstream, the client and the fake clock of one test file. */
export interface WatcherHarness {
  readonly upstream: Upstream;
  readonly client: CloudcaClient;
  /** Returns path and query of each request to the upstream, in order. */
  readonly requestedUrls: () => readonly string[];
  /** Advances the clock, then waits until the client is idle, except for calls that are held back. */
  readonly advance: (milliseconds: number) => Promise<void>;
  /** Waits until the client is idle, except for calls that are held back. */
  readonly settle: () => Promise<void>;
  /** Creates a watcher without polls. */
  readonly createWatcher: () => Watcher;
}

/**
 * Starts an upstream, and fakes the clock until the file's tests are over. The deadline of a call is 10 fake seconds. By default, Date and
 * performance are real: a poll compares when requests started and values arrived, which would all be at once.
 */
export async function startHarness(faked: readonly Fakeable[] = ['setTimeout']): Promise<WatcherHarness> {
  const upstream = await startUpstream();
  const client = new CloudcaClient({ baseUrl: upstream.url, timeoutMs: 10_000 });
  addCleanup(() => client.close());
  const calls = trackRestCalls(client);
  const clock = useFakeClock(faked);
  const settle = () => calls.settle(heldRequestIds);
  return {
    upstream,
    client,
    requestedUrls: () => upstream.calls.map(({ url }) => url),
    advance: async (milliseconds) => {
      clock.advance(milliseconds);
      await settle();
    },
    settle,
    createWatcher: () => new Watcher({ client, taskPollMs, watchPollMs, warn: () => undefined }),
  };
}

/** A subscriber that records its events as text. */
export interface TestSubscriber {
  /** The events so far; the last one is `end` if the events have ended, or `thrown` if they threw. */
  readonly log: readonly string[];
  /** Unsubscribes, and stops recording. */
  unsubscribe(): Promise<void>;
}

/** Records events as text until they end or the subscriber unsubscribes. */
export function recordEvents<T>(events: AsyncIterator<WatchEvent<T>>, format: (value: T) => string): TestSubscriber {
  const log: string[] = [];
  let isSubscribed = true;
  const record = (text: string) => {
    if (isSubscribed) log.push(text);
  };
  const recordAll = async () => {
    for (let next = await events.next(); next.done !== true; next = await events.next())
      record(formatEvent(next.value, format));
  };
  void recordAll().then(
    () => {
      record('end');
    },
    () => {
      record('thrown');
    },
  );
  return {
    log,
    unsubscribe: async () => {
      isSubscribed = false;
      await events.return?.();
    },
  };
}

/** Formats an event: the value, or the name of the failure. */
export function formatEvent<T>(event: WatchEvent<T>, format: (value: T) => string): string {
  if (!('failure' in event)) return format(event.value);
  return event.failure instanceof Error ? event.failure.name : 'not an Error';
}

/** Formats a task as its status. */
export function formatTask(task: TaskEntity): string {
  return task.status;
}

/** Formats a VPN as its name and state. */
export function formatVpn(vpn: SiteToSiteVpnEntity): string {
  return `${vpn.name} ${vpn.state}`;
}

/** Formats a list of VPNs, sorted by name. */
export function formatList(vpns: readonly SiteToSiteVpnEntity[]): string {
  return `[${vpns.map(formatVpn).sort().join(', ')}]`;
}

/** Returns the id of the VPN with a name. The name must be a letter from a to f. */
export function toVpnId(name: string): string {
  return '00000000-0000-4000-8000-000000000000'.replaceAll('0', name);
}

/** Creates a VPN as the REST API sends it. */
export function createWireVpn(name: string, fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: toVpnId(name),
    name,
    state: 'Connected',
    vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
    gateway: '19.19.19.19',
    cidr: '10.12.0.2/22',
    ...fields,
  };
}

/** Creates a script for an environment with these VPNs. It responds with the list, one VPN, or 404. */
export function serveVpns(...vpns: readonly Record<string, unknown>[]): Script {
  return ({ url }) => {
    const id = url.split('/')[6];
    if (id === undefined) return { data: vpns };
    const match = vpns.find((vpn) => vpn['id'] === id.toLowerCase());
    return match === undefined ? json(404, { errors: [{ message: 'Not found.' }] }) : { data: match };
  };
}

/** Creates a script that sends one response after the other, and repeats the last one. */
export function serveInOrder(...responses: readonly ReturnType<Script>[]): Script {
  return (_call, index) => responses[Math.min(index, responses.length - 1)] ?? {};
}

/** Responses that are held back until the test releases them. */
export class HeldResponses {
  readonly #pending = new Map<ServerResponse, (response: ServerResponse) => void>();
  /** The number of calls that were held back and have closed, with a response or without. */
  closedCount = 0;

  /** Holds a response back. `respond` sends it, unless `release` is called with another response. */
  readonly hold = (response: ServerResponse, respond: (response: ServerResponse) => void = dropConnection): void => {
    heldRequestIds.add(toRequestId(response));
    this.#pending.set(response, respond);
    response.on('close', () => {
      this.closedCount++;
      this.#pending.delete(response);
    });
  };

  /** Sends all responses that are held back: JSON if `body` is given, otherwise what `hold` was called with. */
  release(body?: object, status = 200): void {
    for (const [response, respond] of this.#pending) {
      heldRequestIds.delete(toRequestId(response));
      (body === undefined ? respond : json(status, body))(response);
    }
    this.#pending.clear();
  }
}

function toRequestId(response: ServerResponse): string {
  return String(response.req.headers['x-request-id']);
}
