// Clients that all reconnect at once: each is served, or told to reconnect later. No client gets an error that ends its subscription.
// Clients that send many messages at once: other work gets its turns in between.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { range } from '../../helpers/fixtures.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { vpnsSubscription } from './mutable-rest-api.js';
import { startOnRestApi } from './polling-gateway.js';
import { openAcknowledgedSocket, openSocket, openSocketOnStream } from './subscribers.js';

const clients = 300;
// A third of the operations has reads of its own, which the rate limit charges. All others join a group.
const query = (index: number) =>
  index % 3 === 0 ? vpnsSubscription.replace('{ name }', `{ a${index}: name vpc { name } }`) : vpnsSubscription;

describe('300 clients that reconnect at once', () => {
  it.each([
    // The second round fits only if the first has left nothing counted.
    ['MAX_SUBSCRIPTIONS_PER_KEY=300', 2, false, { maxSubscriptionsPerKey: clients }],
    ['MAX_SUBSCRIPTIONS=100', 1, true, { maxSubscriptions: 100 }],
    ['RATE_LIMIT_PER_MINUTE=50', 1, true, { rateLimitPerMinute: 50 }],
  ])('are each served or closed with 1013, with %s', async (_name, rounds, isExceeded, config) => {
    const { url, watcher } = await startOnRestApi(config);
    const outcomes = { served: 0, later: 0 };
    for (let round = 0; round < rounds; round++) {
      const sockets = await Promise.all(
        range(clients).map(async (index) => {
          const socket = await openSocket(url);
          socket.send({ type: 'connection_init', payload: { 'MC-Api-Key': 'storm' } });
          await socket.waitForMessages(1);
          socket.send({ id: '1', type: 'subscribe', payload: { query: query(index) } });
          return socket;
        }),
      );
      await waitUntil(() => sockets.every(({ messages, closed }) => messages.length > 1 || closed !== undefined));
      for (const { messages, closed, webSocket } of sockets) {
        expect(JSON.stringify(messages)).not.toContain('"error"');
        if (closed === undefined) outcomes.served++;
        else {
          expect(closed.code).toBe(1013);
          outcomes.later++;
        }
        webSocket.terminate();
      }
      await waitUntil(() => watcher.pollCount === 0);
    }
    expect(outcomes.served + outcomes.later).toBe(clients * rounds);
    expect(outcomes.later > 0).toBe(isExceeded);
  });
});

describe('a WebSocket', () => {
  it.each([
    ['messages', 'message', '{"type":"ping"}'],
    ['pings', 'pong', undefined],
  ])('lets other work pass after each of many %s that arrive at once', async (_name, response, message) => {
    const { url } = await startOnRestApi();
    const { client, socket } = await openSocketOnStream(url);
    const count = 300;
    let responses = 0;
    socket.webSocket.on(response, () => responses++);
    client.cork();
    for (let sent = 0; sent < count; sent++) {
      if (message === undefined) socket.webSocket.ping();
      else socket.webSocket.send(message);
    }
    client.uncork();
    let turns = 0;
    for (; responses < count && socket.closed === undefined; turns++) await nextTurn();

    expect(turns).toBeGreaterThanOrEqual(count);
  });

  it('is closed with 4400 for an id of more than 255 characters, and opens no subscription', async () => {
    const { url, watcher } = await startOnRestApi();
    const socket = await openAcknowledgedSocket(url);
    socket.send({ id: 'i'.repeat(255), type: 'subscribe', payload: { query: vpnsSubscription } });
    await socket.waitForMessages(2);
    expect(watcher.pollCount).toBe(1);
    socket.send({ id: 'i'.repeat(256), type: 'subscribe', payload: { query: vpnsSubscription } });
    await socket.waitForClose();
    expect(socket.closed).toEqual({ code: 4400, reason: 'The id of a subscription has at most 255 characters.' });
    expect(socket.messages).toHaveLength(2);
    await waitUntil(() => watcher.pollCount === 0);
  });

  it('is closed with 1013 if it subscribes while the gateway sheds load', async () => {
    let delayMs = 0;
    const { url } = await startOnRestApi({ maxEventLoopDelayMs: 100 }, { readEventLoopDelay: () => delayMs });
    const socket = await openAcknowledgedSocket(url);
    delayMs = 1_000;
    await waitUntil(async () => {
      socket.send({ id: crypto.randomUUID(), type: 'subscribe', payload: { query: vpnsSubscription } });
      await new Promise((resolve) => setTimeout(resolve, 50));
      return socket.closed !== undefined;
    });
    expect(socket.closed).toEqual({ code: 1013, reason: 'The gateway is overloaded. Try again in 1 s.' });
    expect(JSON.stringify(socket.messages)).not.toContain('"error"');
  });
});
