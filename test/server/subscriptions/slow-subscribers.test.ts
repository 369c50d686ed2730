// Clients that do not read: the gateway buffers little, however many changes there are, and sends the last value when they read again.
import { describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { collectGarbage } from '../../helpers/collect-garbage.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { environmentLiteral, keyHeader, wireVpn } from '../../helpers/fixtures.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { startOnRestApi } from './polling-gateway.js';
import { openAcknowledgedSocket } from './subscribers.js';

const query = `subscription { siteToSiteVpnsUpdated(environment: ${environmentLiteral}) { nodes { gateway name } } }`;
// One value is a megabyte. Some fit into the socket buffers of the operating system, most do not.
const large = 'x'.repeat(1_000_000);
const changes = 60;

// The gateway must neither ping clients that do not read, since they do not respond, nor give up on them.
useFakeClock(['setInterval']);
const slowClients = { idleMs: 600_000, maxBytes: Infinity };

/** Starts a gateway on a list that differs at each of the first `changes` polls. Counts the bytes buffered in the gateway. */
async function start(maxBytes = Infinity) {
  const options = { slowClients: { ...slowClients, maxBytes } };
  const gateway = await startOnRestApi({ taskPollMs: 1, watchPollMs: 1 }, options);
  let polls = 0;
  gateway.rest.state.override = () => ({
    data: [wireVpn({ gateway: String(Math.min(++polls, changes)), name: large })],
  });
  const connections: Socket[] = [];
  gateway.app.server.on('connection', (connection) => connections.push(connection));
  return {
    url: gateway.url,
    metrics: gateway.metrics,
    connections,
    waitForPolls: () => waitUntil(() => polls > changes + 5),
    bufferedBytes: () =>
      connections.reduce((sum, { destroyed, writableLength }) => (destroyed ? sum : sum + writableLength), 0),
  };
}

function toNumbers(text: string): number[] {
  return [...text.matchAll(/"gateway":"(\d+)"/g)].map(([, number]) => Number(number));
}

/** Expects the values in order, with the first and the last, but without most of those between. */
function expectSkippedValues(numbers: readonly number[]): void {
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect(numbers[0]).toBe(1);
  expect(numbers.at(-1)).toBe(changes);
  expect(numbers.length).toBeLessThan(changes - 10);
}

describe('a client that does not read', () => {
  it('has at most one event buffered by WebSocket, and receives the last value when it reads again', async () => {
    const { url, waitForPolls, bufferedBytes } = await start();
    const socket = await openAcknowledgedSocket(url);
    const numbers: number[] = [];
    socket.webSocket.on('message', (data: Buffer) => numbers.push(...toNumbers(data.toString())));
    socket.send({ id: '1', type: 'subscribe', payload: { query } });
    socket.webSocket.pause();
    await waitForPolls();
    expect(bufferedBytes()).toBeGreaterThan(0);
    expect(bufferedBytes()).toBeLessThan(1.1 * large.length);
    socket.webSocket.resume();
    await waitUntil(() => numbers.includes(changes));
    expectSkippedValues(numbers);
    socket.webSocket.terminate();
  });

  it('has at most two events buffered by SSE, and receives the last value when it reads again', async () => {
    const { url, waitForPolls, bufferedBytes } = await start();
    let text = '';
    const clientRequest = request(`${url}/stream?${new URLSearchParams({ query }).toString()}`, {
      headers: { accept: 'text/event-stream', ...keyHeader() },
    });
    const paused = new Promise<() => void>((resolve) => {
      clientRequest.on('response', (response) => {
        response.pause();
        response.on('data', (chunk) => (text += String(chunk)));
        response.pause();
        response.on('error', () => undefined);
        resolve(() => response.resume());
      });
    });
    clientRequest.end();
    const resume = await paused;
    await waitForPolls();
    expect(bufferedBytes()).toBeGreaterThan(0);
    expect(bufferedBytes()).toBeLessThan(2.1 * large.length);
    resume();
    await waitUntil(() => text.includes(`"gateway":"${changes}"`));
    expectSkippedValues(toNumbers(text));
    clientRequest.destroy();
  });

  it('is not read from, so that responses to its messages do not accumulate', async () => {
    const { url, connections, bufferedBytes } = await start();
    const socket = await openAcknowledgedSocket(url);
    const [connection] = connections;
    let maxBufferedBytes = 0;
    connection?.on('data', () => {
      maxBufferedBytes = Math.max(maxBufferedBytes, bufferedBytes());
    });
    socket.webSocket.pause();
    const payload = { x: 'x'.repeat(100_000) };
    const pings = 400;
    for (let ping = 0; ping < pings; ping++) socket.send({ type: 'ping', payload });
    await waitUntil(() => connection?.isPaused() === true || socket.webSocket.bufferedAmount === 0);
    expect(socket.webSocket.bufferedAmount).toBeGreaterThan(0);
    socket.webSocket.resume();
    await socket.waitForMessages(1 + pings);
    expect(socket.messages.at(-1)).toEqual({ type: 'pong', payload });
    expect(maxBufferedBytes).toBeLessThan(1_000_000);
  });

  it('has at most eight events buffered, however many subscriptions its WebSocket has', async () => {
    const { url, waitForPolls, bufferedBytes, metrics } = await start();
    const socket = await openAcknowledgedSocket(url);
    const numbers: number[] = [];
    socket.webSocket.on('message', (data: Buffer) => numbers.push(...toNumbers(data.toString())));
    socket.webSocket.pause();
    const count = 40;
    for (let id = 0; id < count; id++) {
      const payload = { query: query.replace('gateway name', `gateway a${id}: name`) };
      socket.send({ id: String(id), type: 'subscribe', payload });
    }
    await waitForPolls();
    expect(await metrics.text()).toContain(`gateway_subscriptions ${count}`);
    expect(bufferedBytes()).toBeGreaterThan(0);
    expect(bufferedBytes()).toBeLessThan(8.1 * large.length);
    socket.webSocket.resume();
    await waitUntil(() => numbers.filter((number) => number === changes).length === count);
    socket.webSocket.terminate();
  });

  it('gets no event executed before it has taken the last ones', async () => {
    const gateway = await startOnRestApi({ taskPollMs: 1, watchPollMs: 1 }, { slowClients });
    let polls = 0;
    let nestedReads = 0;
    gateway.rest.state.override = ({ url }) => {
      if (!url.includes('/vpcs')) return { data: [wireVpn({ gateway: String(++polls), name: large })] };
      nestedReads++;
      return { data: [] };
    };
    const socket = await openAcknowledgedSocket(gateway.url);
    socket.send({ id: '1', type: 'subscribe', payload: { query } });
    const withVpc = query.replace('gateway name', 'gateway vpc { name }');
    socket.send({ id: '2', type: 'subscribe', payload: { query: withVpc } });
    await waitUntil(() => nestedReads > 2);
    socket.webSocket.pause();
    const waitForPolls = async (count: number) => {
      const target = polls + count;
      await waitUntil(() => polls >= target);
    };
    // Until the buffers are full, and no event reads anything any more.
    let readsBefore = -1;
    while (readsBefore !== nestedReads) {
      readsBefore = nestedReads;
      await waitForPolls(50);
    }
    await waitForPolls(50);
    expect(nestedReads).toBe(readsBefore);
    socket.webSocket.resume();
    await waitUntil(() => nestedReads > readsBefore + 2);
    socket.webSocket.terminate();
  });
});

describe('a client that has taken its events', () => {
  it('leaves none of them in memory, except the results that are kept for newcomers', async () => {
    const gateway = await startOnRestApi({ taskPollMs: 1, watchPollMs: 1 }, { slowClients });
    gateway.rest.state.override = () => ({ data: [wireVpn({ name: large })] });
    const socket = await openAcknowledgedSocket(gateway.url);
    const bytesBefore = collectGarbage().arrayBuffers;
    const count = 40;
    for (let id = 0; id < count; id++) {
      const payload = { query: query.replace('gateway name', `gateway a${id}: name`) };
      socket.send({ id: String(id), type: 'subscribe', payload });
    }
    await socket.waitForMessages(1 + count);
    const keptBytes = 16 * 1024 * 1024;
    expect(collectGarbage().arrayBuffers - bytesBefore).toBeLessThan(keptBytes + 5 * large.length);
    socket.webSocket.terminate();
  });
});

describe('Unread events', () => {
  it('of WebSockets hold at most maxBytes', async () => {
    const { url, connections, metrics, bufferedBytes } = await start(2.5 * large.length);
    const hasUnread = (index: number) => (connections[index]?.writableLength ?? 0) > 0;
    const openUnread = async (key: string) => {
      const index = connections.length;
      const socket = await openAcknowledgedSocket(url, key);
      // As many as fill the buffers of the operating system, beside the one that the gateway holds.
      for (let id = 0; id < 8; id++) {
        const aliased = query.replace('gateway name', `gateway a${id}: name`);
        socket.send({ id: String(id), type: 'subscribe', payload: { query: aliased } });
      }
      socket.webSocket.pause();
      await waitUntil(() => hasUnread(index) || connections[index]?.destroyed === true);
    };
    for (let count = 0; count < 4; count++) await openUnread(`key-${count}`);
    await waitUntil(() => bufferedBytes() <= 2.5 * large.length);

    expect(await metrics.text()).toMatch(/gateway_shed_total\{reason="unread_bytes"\} [1-9]/);
  });

  it('of event streams hold at most maxBytes', async () => {
    const { url, connections, bufferedBytes } = await start(2.5 * large.length);
    for (let count = 1; count <= 4; count++) {
      const stream = request(`${url}/stream?${new URLSearchParams({ query }).toString()}`, {
        headers: { accept: 'text/event-stream', ...keyHeader(`key-${count}`) },
      });
      stream.on('error', () => undefined);
      stream.on('response', (response) => {
        response.pause();
        response.on('error', () => undefined);
      });
      stream.end();
      await waitUntil(() => connections.length === count);
    }
    await waitUntil(() => connections.some(({ destroyed }) => destroyed));
    await waitUntil(() => connections.every(({ destroyed, writableLength }) => destroyed || writableLength > 0));

    expect(bufferedBytes()).toBeLessThan(2.5 * large.length);
    for (const connection of connections) connection.destroy();
  });
});
