// Three built gateways behind HAProxy, with the configuration in deploy/haproxy. Counts their polls for the subscribers of one key, also when
// one of the gateways goes. Prints the counts. Skipped if Debian's package `haproxy` is not installed.
import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { addCleanup } from '../../helpers/cleanup.js';
import { keyHeader, range, wireVpn } from '../../helpers/fixtures.js';
import { findFreePort } from '../../helpers/free-port.js';
import { sendRequest } from '../../helpers/http.js';
import { launchGateway } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { vpnsSubscription } from '../../server/subscriptions/mutable-rest-api.js';
import { drainDelayMs, isInstalled, startHaproxy } from './haproxy.js';

// `subscriberCount` is per transport.
const [gatewayCount, subscriberCount] = [3, 15];
const key = 'key-of-many-subscribers';
const affinity = createHash('sha256').update(key).digest('hex').slice(0, 8);
/** A key whose subscriber is connected to a gateway of its own. Its polls tell how many intervals have passed. */
const clockKey = 'key-of-the-clock';

/** Starts a REST API that counts the calls of each key. */
async function startRestApi() {
  const counts = new Map<unknown, number>();
  const state = { name: 'before' };
  const { url } = await startUpstream(({ headers }) => {
    const ofKey = headers['mc-api-key'];
    counts.set(ofKey, (counts.get(ofKey) ?? 0) + 1);
    return { data: [wireVpn({ name: state.name })] };
  });
  return { url, state, count: (ofKey: string) => counts.get(ofKey) ?? 0 };
}

async function startReplica(restUrl: string) {
  const [port, opsPort] = [await findFreePort(), await findFreePort()];
  const gateway = await launchGateway({
    CLOUDCA_API_URL: restUrl,
    PORT: String(port),
    OPS_PORT: String(opsPort),
    DRAIN_DELAY_MS: drainDelayMs,
    WATCH_POLL_MS: '300',
  });
  return {
    port,
    opsPort,
    url: gateway.url,
    /** Returns the number of open subscriptions; 0 if the gateway has gone. */
    countSubscriptions: async () => {
      const { text } = await sendRequest(`${gateway.opsUrl}/metrics`).catch(() => ({ text: '' }));
      return Number(/^gateway_subscriptions (\d+)$/m.exec(text)?.[1] ?? 0);
    },
    stop: () => {
      gateway.signal('SIGTERM');
      return gateway.exit;
    },
  };
}

/** A subscriber to the list of VPNs, which subscribes again whenever its connection ends. */
interface Subscriber {
  lastEvent: string;
  readonly dispose: () => void;
}

function subscribeByWebSocket(url: string): Subscriber {
  const client = createWebSocketClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { 'MC-Api-Key': key },
    webSocketImpl: WebSocket,
    shouldRetry: () => true,
    retryAttempts: Infinity,
  });
  const subscriber: Subscriber = { lastEvent: '', dispose: () => void client.dispose() };
  client.subscribe(
    { query: vpnsSubscription },
    {
      next: (event) => (subscriber.lastEvent = JSON.stringify(event)),
      error: () => undefined,
      complete: () => undefined,
    },
  );
  addCleanup(subscriber.dispose);
  return subscriber;
}

function subscribeBySse(url: string, ofKey = key): Subscriber {
  const client = createEventStreamClient({ url, headers: keyHeader(ofKey), retryAttempts: Infinity });
  let isDisposed = false;
  const subscriber: Subscriber = {
    lastEvent: '',
    dispose: () => {
      isDisposed = true;
      client.dispose();
    },
  };
  const subscribe = () => {
    if (isDisposed) return;
    client.subscribe(
      { query: vpnsSubscription },
      { next: (event) => (subscriber.lastEvent = JSON.stringify(event)), error: subscribe, complete: subscribe },
    );
  };
  subscribe();
  addCleanup(subscriber.dispose);
  return subscriber;
}

/** Waits until every subscriber has received a list of one VPN with this name. */
function waitUntilAllReceived(subscribers: readonly Subscriber[], name: string): Promise<void> {
  const event = JSON.stringify({ data: { siteToSiteVpnsUpdated: { nodes: [{ name }] } } });
  return waitUntil(() => subscribers.every(({ lastEvent }) => lastEvent === event));
}

const title = isInstalled ? '' : ' (skipped: haproxy is not installed)';
const describeIfInstalled = isInstalled ? describe : describe.skip;

describeIfInstalled(`Three gateways behind HAProxy${title}`, () => {
  it('poll once per interval for all subscribers of a key, whose polls move if their gateway goes', async () => {
    const rest = await startRestApi();
    const [clockGateway, ...replicas] = await Promise.all(range(1 + gatewayCount).map(() => startReplica(rest.url)));
    const url = await startHaproxy(replicas);

    /** Returns how often the key is polled in ten intervals. */
    const countPolls = async () => {
      const [polls, intervals] = [rest.count(key), rest.count(clockKey)];
      await waitUntil(() => rest.count(clockKey) === intervals + 10);
      return rest.count(key) - polls;
    };
    /** Returns the gateways that have subscribers of the key. */
    const findServing = async () => {
      const counts = await Promise.all(replicas.map(({ countSubscriptions }) => countSubscriptions()));
      return replicas.filter((_replica, index) => (counts[index] ?? 0) > 0);
    };

    // Without HAProxy: each gateway polls.
    const clock = subscribeBySse(`${clockGateway?.url ?? ''}/stream`, clockKey);
    const spread = replicas.map((replica) => subscribeByWebSocket(replica.url));
    await waitUntilAllReceived([clock, ...spread], 'before');
    const pollsOfSpread = await countPolls();
    for (const { dispose } of spread) dispose();
    await waitUntil(async () => (await findServing()).length === 0);

    // Through HAProxy: an event stream carries the key, and a WebSocket the affinity that its client derives from the key.
    const subscribers = range(subscriberCount).flatMap(() => [
      subscribeByWebSocket(`${url}?affinity=${affinity}`),
      subscribeBySse(`${url}/stream`),
    ]);
    await waitUntilAllReceived(subscribers, 'before');
    const [serving, ...others] = await findServing();
    expect(others).toEqual([]);
    const polls = await countPolls();

    // The gateway goes.
    const [callsBefore, intervalsBefore] = [rest.count(key), rest.count(clockKey)];
    const exit = serving?.stop();
    await waitUntil(async () => {
      const [next] = await findServing();
      return next !== undefined && next !== serving && (await next.countSubscriptions()) === subscribers.length;
    });
    rest.state.name = 'after';
    await waitUntilAllReceived(subscribers, 'after');
    expect(await exit).toEqual({ code: 0, signal: null });
    const [callsOfMove, intervalsOfMove] = [rest.count(key) - callsBefore, rest.count(clockKey) - intervalsBefore];
    expect(await findServing()).toHaveLength(1);
    const pollsAfter = await countPolls();

    process.stdout.write(
      `${subscribers.length} subscribers of one key, REST calls in ten intervals: ${pollsOfSpread} spread over three gateways, ` +
        `${polls} through HAProxy, ${pollsAfter} after its gateway has gone; ` +
        `${callsOfMove} calls in the ${intervalsOfMove} intervals of the move\n`,
    );
    expect(pollsOfSpread).toBeGreaterThan(20);
    expect(polls).toBeLessThan(20);
    expect(pollsAfter).toBeLessThan(20);
    // Both gateways poll while the subscribers move.
    expect(callsOfMove).toBeLessThan(2 * intervalsOfMove + 5);
  });
});
