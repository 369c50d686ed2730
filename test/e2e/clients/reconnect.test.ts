// docs/clients-web.md: graphql-ws and graphql-sse with the options of the setup, while the built gateway is away or rejects them. The clock
// of the clients is fake.
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { RetryLink } from '@apollo/client/link/retry';
import { describe, expect, it, jest } from '@jest/globals';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { addCleanup } from '../../helpers/cleanup.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { environmentLiteral } from '../../helpers/fixtures.js';
import { findFreePort } from '../../helpers/free-port.js';
import { launchGateway } from '../../helpers/process.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { importRetryOptions } from './snippets.js';

const clock = useFakeClock(['setTimeout']);
const { reconnect, resubscribe, retrySubscriptions } = await importRetryOptions();

const query = `subscription { siteToSiteVpnsUpdated(environment: ${environmentLiteral}) { totalCount } }`;
const event = { data: { siteToSiteVpnsUpdated: { totalCount: 9 } } };
const sandboxKey = 'sandbox-key';

// Both clients open a connection for each of their subscriptions here.
const { url } = await launchGateway({ MAX_CONNECTIONS_PER_KEY: '2' });

/** A subscription, and what its client has received. */
class Subscriber {
  readonly events: unknown[] = [];
  /** `complete`, or the error that ended the subscription. */
  readonly ends: unknown[] = [];
  /** Close codes of WebSockets, and statuses of event streams. */
  readonly codes: unknown[] = [];
  /** Number of connections that the client has begun. */
  attempts = 0;
  unsubscribe: () => void = () => undefined;
  readonly on = { connecting: () => this.attempts++ };
  readonly sink = {
    next: (value: unknown) => this.events.push(value),
    error: (error: unknown) => this.ends.push(error),
    complete: () => this.ends.push('complete'),
  };
}

function subscribeByWebSocket(url: string, key = sandboxKey): Subscriber {
  const subscriber = new Subscriber();
  const client = createWebSocketClient({
    url: url.replace('http', 'ws'),
    connectionParams: { 'MC-Api-Key': key },
    webSocketImpl: WebSocket,
    on: {
      ...subscriber.on,
      closed: (closed) => {
        subscriber.codes.push(typeof closed === 'object' && closed !== null && 'code' in closed ? closed.code : closed);
      },
    },
    ...reconnect,
  });
  subscriber.unsubscribe = client.subscribe({ query }, subscriber.sink);
  // The client may be reconnecting then, which dispose() would throw at.
  addCleanup(subscriber.unsubscribe);
  return subscriber;
}

function subscribeBySse(url: string, key = sandboxKey): Subscriber {
  const subscriber = new Subscriber();
  const client = createEventStreamClient({
    url: `${url}/stream`,
    headers: { 'MC-Api-Key': key },
    on: subscriber.on,
    ...resubscribe,
    fetchFn: async (...request: Parameters<typeof fetch>) => {
      const response = await resubscribe.fetchFn(...request);
      subscriber.codes.push(response.status);
      return response;
    },
  });
  subscriber.unsubscribe = client.subscribe({ query }, subscriber.sink);
  addCleanup(subscriber.unsubscribe);
  return subscriber;
}

/** Waits until a condition is true for all subscribers, or one has ended. Meanwhile, time passes for their retries. Returns milliseconds. */
async function passUntil(subscribers: readonly Subscriber[], isTrue: (subscriber: Subscriber) => boolean) {
  let elapsedMs = 0;
  // Each rejected connection takes real time, and each pause before the next one fake time.
  await waitUntil(() => {
    clock.advance(500);
    elapsedMs += 500;
    return subscribers.every(isTrue) || subscribers.some(({ ends }) => ends.length > 0);
  });
  return elapsedMs;
}

const clients = [
  ['graphql-ws', subscribeByWebSocket],
  ['graphql-sse', subscribeBySse],
] as const;

describe('graphql-ws and graphql-sse with the documented options', () => {
  it('resubscribe by themselves to a gateway that was away for minutes', async () => {
    const PORT = String(await findFreePort());
    const gateway = await launchGateway({ PORT });
    const subscribers = clients.map(([, subscribe]) => subscribe(gateway.url));
    await waitUntil(() => subscribers.every(({ events }) => events.length === 1));
    gateway.signal('SIGTERM');
    await gateway.exit;
    const elapsedMs = await passUntil(subscribers, ({ attempts }) => attempts > 10);
    await launchGateway({ PORT });
    await passUntil(subscribers, ({ events }) => events.length === 2);

    expect(subscribers.map(({ ends }) => ends)).toEqual([[], []]);
    expect(subscribers.map(({ events }) => events)).toEqual([Array(2).fill(event), Array(2).fill(event)]);
    expect(elapsedMs).toBeGreaterThan(60_000);
  });

  it('wait until a limit admits them, by close code 1013 or status 429', async () => {
    const admitted = clients.map(([, subscribe]) => subscribe(url));
    await waitUntil(() => admitted.every(({ events }) => events.length === 1));
    const waiting = clients.map(([, subscribe]) => subscribe(url));
    await passUntil(waiting, ({ attempts }) => attempts > 3);
    expect(waiting.map(({ events, ends }) => [...events, ...ends])).toEqual([[], []]);
    expect(waiting.map(({ codes }) => new Set(codes))).toEqual([new Set([1013]), new Set([429])]);
    for (const { unsubscribe } of admitted) unsubscribe();
    await passUntil(waiting, ({ events }) => events.length === 1);

    expect(waiting.map(({ events, ends }) => [...events, ...ends])).toEqual([[event], [event]]);
  });
});

describe('The documented options', () => {
  /** Returns the milliseconds of fake time until a wait ends. */
  async function measure(wait: Promise<void> | undefined): Promise<number> {
    let [elapsedMs, isOver] = [0, false];
    void wait?.then(() => (isOver = true));
    await waitUntil(() => {
      if (isOver) return true;
      clock.advance(500);
      elapsedMs += 500;
      return false;
    });
    return elapsedMs;
  }

  it('wait for the seconds in the reason of close code 1013, then pause', async () => {
    reconnect.shouldRetry?.({ code: 1013, reason: 'Too many connections. Try again in 7 s.' });
    expect(await measure(reconnect.retryWait?.(0))).toBe(8_000);
    reconnect.shouldRetry?.({ code: 1001, reason: '' });
    expect(await measure(reconnect.retryWait?.(0))).toBe(1_000);
    reconnect.shouldRetry?.(new Error('The connection failed.'));
    expect(await measure(reconnect.retryWait?.(0))).toBe(1_000);
  });

  it('wait for the seconds in Retry-After, then pause', async () => {
    const upstream = await startUpstream(() => json(503, {}, { 'Retry-After': '7' }));
    await resubscribe.fetchFn(upstream.url);
    expect(await measure(resubscribe.retry(0))).toBe(8_000);
  });

  it('let Apollo Client wait for the seconds in Retry-After, then pause', async () => {
    const upstream = await startUpstream(() => json(503, {}, { 'Retry-After': '7' }));
    const link = new RetryLink(retrySubscriptions).concat(new HttpLink({ uri: upstream.url }));
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const timeouts = jest.spyOn(globalThis, 'setTimeout');
    addCleanup(() => {
      timeouts.mockRestore();
    });
    const subscription = client.subscribe({ query: gql(query) }).subscribe({});
    await waitUntil(() => upstream.calls.length === 1 && timeouts.mock.calls.length > 0);
    const [[, delayMs = 0] = []] = timeouts.mock.calls;
    expect(delayMs).toBeGreaterThanOrEqual(7_500);
    expect(delayMs).toBeLessThanOrEqual(8_000);
    clock.advance(8_000);
    await waitUntil(() => upstream.calls.length === 2);
    subscription.unsubscribe();
  });
});

describe('A malformed API key', () => {
  it.each([
    ['graphql-ws', subscribeByWebSocket, [], [expect.objectContaining({ code: 4401 })]],
    [
      'graphql-sse',
      subscribeBySse,
      [{ errors: [expect.objectContaining({ extensions: expect.objectContaining({ code: 'UNAUTHENTICATED' }) })] }],
      ['complete'],
    ],
  ])('ends a subscription of %s with the documented options at once', async (_name, subscribe, events, ends) => {
    const subscriber = subscribe(url, ' ');
    await waitUntil(() => subscriber.ends.length > 0);

    expect(subscriber).toMatchObject({ attempts: 1, events, ends });
  });
});

describe('An API key that the REST API rejects', () => {
  it.each(clients)('ends a subscription of %s with the documented options at once', async (_name, subscribe) => {
    const subscriber = subscribe(url, 'unknown-key');
    await waitUntil(() => subscriber.ends.length > 0);

    const error = expect.objectContaining({ extensions: expect.objectContaining({ code: 'UNAUTHENTICATED' }) });
    expect(subscriber).toMatchObject({ attempts: 1, events: [{ errors: [error] }], ends: ['complete'] });
  });
});
