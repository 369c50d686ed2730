// A rolling restart of two built gateways behind HAProxy, with the configuration in deploy/haproxy, under reads, writes, waits and
// subscriptions. Clients subscribe with the options and the snippets of docs/clients-web.md. Prints the counts. Skipped if Debian's package `haproxy` is not installed.
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { addCleanup } from '../../helpers/cleanup.js';
import { environmentLiteral as environment, keyHeader, taskId, wireVpn } from '../../helpers/fixtures.js';
import { findFreePort } from '../../helpers/free-port.js';
import { launchGateway } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { sendRequest, post } from '../../helpers/http.js';
import { drainDelayMs, isInstalled, startHaproxy } from '../deploy/haproxy.js';
import { importRetryOptions, startSubscribingSnippets } from '../clients/snippets.js';
import { vpnsSubscription } from '../../server/subscriptions/mutable-rest-api.js';

// Number of concurrent clients of each kind. `subscribers` is per transport.
const [readers, writers, waiters, subscribers] = [6, 4, 2, 12];

const { reconnect, resubscribe } = await importRetryOptions();

const listQuery = { query: `{ siteToSiteVpns(environment: ${environment}) { nodes { name } } }` };
const toDelete = (id: string, waitSeconds: number) => ({
  query: `mutation { deleteSiteToSiteVpn(input: { environment: ${environment}, id: "${id}", waitSeconds: ${waitSeconds} }) { task { id } userErrors { code } } }`,
});

// Expected responses, byte for byte.
const listResponse = '{"data":{"siteToSiteVpns":{"nodes":[{"name":"before"}]}}}\n';
const deleteResponse = `{"data":{"deleteSiteToSiteVpn":{"task":{"id":"${taskId}"},"userErrors":[]}}}\n`;
const toFailedResponse = (error: unknown) => ({ status: 0, text: inspect(error) });

/** Starts a REST API that delays each response by 30 ms, so that calls are in flight whenever a gateway shuts down. Counts deletions by id. */
async function startRest() {
  const deletions = new Map<string, number>();
  const state = { name: 'before', state: 'Connected' };
  const upstream = await startUpstream(({ method, url }) => (response) => {
    const id = /sitetositevpns\/([\w-]+)/.exec(url)?.[1] ?? '';
    if (method === 'DELETE') deletions.set(id, (deletions.get(id) ?? 0) + 1);
    const isTask = method === 'DELETE' || url.includes('/tasks/');
    const vpn = wireVpn(state);
    const body = isTask ? { taskId, taskStatus: 'PENDING' } : { data: id === '' ? [vpn] : vpn };
    setTimeout(() => {
      json(200, body)(response);
    }, 30);
  });
  return { url: upstream.url, deletions, state };
}

/** Starts a gateway that can be restarted on the same ports. */
async function startReplica(restUrl: string) {
  const [port, opsPort] = [await findFreePort(), await findFreePort()];
  const environmentVariables = {
    CLOUDCA_API_URL: restUrl,
    PORT: String(port),
    OPS_PORT: String(opsPort),
    DRAIN_DELAY_MS: drainDelayMs,
    RATE_LIMIT_PER_MINUTE: '0',
    // Other processes on this machine may delay the event loop.
    MAX_EVENT_LOOP_DELAY_MS: '0',
    TASK_POLL_MS: '200',
    WATCH_POLL_MS: '200',
  };
  const start = () => launchGateway(environmentVariables);
  let gateway = await start();
  const waitUntilServing = () => waitUntil(() => gateway.stdout().includes('"msg":"operation"'));
  return {
    port,
    opsPort,
    waitUntilServing,
    countSubscriptions: async () => {
      const { text } = await sendRequest(`${gateway.opsUrl}/metrics`);
      return Number(/^gateway_subscriptions (\d+)$/m.exec(text)?.[1]);
    },
    /** Restarts the gateway with SIGTERM. Returns its exit once the load balancer sends requests to the new process. */
    restart: async () => {
      gateway.signal('SIGTERM');
      const exit = await gateway.exit;
      gateway = await start();
      await waitUntilServing();
      return exit;
    },
  };
}

/** A subscriber to the list of VPNs, with the documented options. */
interface Subscriber {
  /** The last event. */
  lastEvent: unknown;
  /** How its connections ended: WebSocket close codes, `cut` for event streams, or `complete`. */
  readonly ends: unknown[];
}

const toSink = (subscriber: Subscriber, complete: () => void) => ({
  next: (event: unknown) => {
    subscriber.lastEvent = event;
  },
  error: (error: unknown) => {
    subscriber.ends.push(error);
  },
  complete,
});

/** Subscribes with graphql-ws. */
function subscribeByWebSocket(url: string): Subscriber {
  const subscriber: Subscriber = { lastEvent: undefined, ends: [] };
  const client = createWebSocketClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: { 'MC-Api-Key': 'subscriber' },
    webSocketImpl: WebSocket,
    ...reconnect,
    on: {
      closed: (event) => {
        subscriber.ends.push(typeof event === 'object' && event !== null && 'code' in event ? event.code : event);
      },
    },
  });
  const unsubscribe = client.subscribe(
    { query: vpnsSubscription },
    toSink(subscriber, () => subscriber.ends.push('complete')),
  );
  // The client may be reconnecting then, which dispose() would throw at.
  addCleanup(unsubscribe);
  return subscriber;
}

/** Subscribes with graphql-sse. */
function subscribeBySse(url: string): Subscriber {
  const subscriber: Subscriber = { lastEvent: undefined, ends: [] };
  const client = createEventStreamClient({
    url: `${url}/stream`,
    headers: keyHeader('subscriber'),
    ...resubscribe,
    retry: (retries) => {
      if (retries === 0) subscriber.ends.push('cut');
      return resubscribe.retry(retries);
    },
  });
  let isOver = false;
  client.subscribe(
    { query: vpnsSubscription },
    toSink(subscriber, () => {
      if (!isOver) subscriber.ends.push('complete');
    }),
  );
  addCleanup(() => {
    isOver = true;
    client.dispose();
  });
  return subscriber;
}

const createMany = <T>(count: number, create: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => create(index));
const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

const describeIfInstalled = isInstalled ? describe : describe.skip;

describeIfInstalled('Rolling restart of two gateways behind HAProxy', () => {
  it('loses no request, sends no write twice, and lets all subscribers resume', async () => {
    const rest = await startRest();
    const replicas = [await startReplica(rest.url), await startReplica(rest.url)] as const;
    const url = await startHaproxy(replicas);

    // Subscribers connect before there is load, so that all of them are connected when the first gateway shuts down.
    const sockets = createMany(subscribers, () => subscribeByWebSocket(url));
    const streams = createMany(subscribers, () => subscribeBySse(url));
    const snippets = await startSubscribingSnippets(url);
    const waitForState = (state: RegExp) => Promise.all(snippets.map(({ waitForOutput }) => waitForOutput(state)));
    const allSubscribers = [...sockets, ...streams];
    const waitUntilAllReceived = (name: string) =>
      waitUntil(() =>
        allSubscribers.every(
          ({ lastEvent }) =>
            JSON.stringify(lastEvent) === `{"data":{"siteToSiteVpnsUpdated":{"nodes":[{"name":"${name}"}]}}}`,
        ),
      );
    await waitUntilAllReceived('before');
    await waitForState(/^CONNECTED$/m);

    let isOver = false;
    addCleanup(() => {
      isOver = true;
    });
    const responses: { kind: string; status: number; text: string }[] = [];
    const sendContinuously = async (kind: string, toBody: () => object, key: string) => {
      while (!isOver) {
        const request = post(url, toBody(), keyHeader(key));
        responses.push({ kind, ...(await request.then(({ status, text }) => ({ status, text }), toFailedResponse)) });
      }
    };
    const deletedIds: string[] = [];
    const deleteNext = (waitSeconds: number) => {
      const id = randomUUID();
      deletedIds.push(id);
      return toDelete(id, waitSeconds);
    };
    const callers = [
      ...createMany(readers, (index) => sendContinuously('read', () => listQuery, `reader-${index}`)),
      ...createMany(writers, (index) => sendContinuously('write', () => deleteNext(0), `writer-${index}`)),
      // Waits longer than a shutdown takes, so that some of them end because of it.
      ...createMany(waiters, (index) => sendContinuously('wait', () => deleteNext(5), `waiter-${index}`)),
    ];
    await Promise.all(replicas.map(({ waitUntilServing }) => waitUntilServing()));

    const exits = [await replicas[0].restart(), await replicas[1].restart()];
    isOver = true;
    await Promise.all(callers);

    const lost = responses.filter(
      ({ kind, status, text }) => status !== 200 || text !== (kind === 'read' ? listResponse : deleteResponse),
    );
    const count = (kind: string) => responses.filter((response) => response.kind === kind).length;
    process.stdout.write(
      `${count('read')} reads, ${count('write')} writes and ${count('wait')} writes with a wait: ${lost.length} lost; ` +
        `${sum(sockets.map(({ ends }) => ends.length))} WebSockets closed, ${sum(streams.map(({ ends }) => ends.length))} event streams cut\n`,
    );
    expect(lost).toEqual([]);
    expect(exits).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    expect(count('read')).toBeGreaterThan(30);
    expect(count('write')).toBeGreaterThan(30);
    expect(rest.deletions).toEqual(new Map(deletedIds.map((id) => [id, 1])));
    // All subscribers are connected to a running gateway, and receive the next change.
    Object.assign(rest.state, { name: 'after', state: 'Error' });
    await waitUntilAllReceived('after');
    await waitForState(/^ERROR$/m);
    expect(sum(await Promise.all(replicas.map(({ countSubscriptions }) => countSubscriptions())))).toBe(
      2 * subscribers + snippets.length,
    );
    // Each subscriber was connected to a gateway that shut down, some of them to both.
    expect(allSubscribers.filter(({ ends }) => ends.length === 0)).toEqual([]);
    expect(new Set(sockets.flatMap(({ ends }) => ends))).toEqual(new Set([1001]));
    expect(new Set(streams.flatMap(({ ends }) => ends))).toEqual(new Set(['cut']));
    // A snippet prints the state again after each reconnect, and exits if its subscription has ended.
    expect(snippets.filter(({ stdout }) => !/^CONNECTED\n(CONNECTED\n)+ERROR$/m.test(stdout()))).toEqual([]);
    expect(snippets.filter(({ hasExited, stderr }) => hasExited() || stderr() !== '')).toEqual([]);
  });
});
