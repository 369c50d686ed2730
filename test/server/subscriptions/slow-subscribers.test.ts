// Clients that do not read: the gateway buffers little, however many changes there are, and sends the last value when they read again.
import { describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway } from '../../helpers/gateway.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { openAcknowledgedSocket } from './subscribers.js';
import { environment, startRestApi, wireVpn } from './mutable-rest-api.js';

const query = `subscription { siteToSiteVpnsUpdated(environment: ${environment}) { nodes { gateway name } } }`;
// One value is a megabyte. Some fit into the socket buffers of the operating system, most do not.
const large = 'x'.repeat(1_000_000);
const changes = 60;

/** Starts a gateway on a list that differs at each of the first `changes` polls. Counts the bytes buffered in the gateway. */
async function start() {
  const rest = await startRestApi();
  let polls = 0;
  rest.state.override = () => ({ data: [wireVpn({ gateway: String(Math.min(++polls, changes)), name: large })] });
  const gateway = await startGateway(rest.url, { taskPollMs: 10, watchPollMs: 10 });
  const sockets = new Set<Socket>();
  gateway.app.server.on('connection', (socket) => sockets.add(socket));
  return {
    ...gateway,
    url: gateway.url,
    waitForPolls: () => waitUntil(() => polls > changes + 5),
    bufferedBytes: () => [...sockets].reduce((sum, socket) => sum + socket.writableLength, 0),
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
    socket.send({ id: '1', type: 'subscribe', payload: { query } });
    socket.webSocket.pause();
    await waitForPolls();
    expect(bufferedBytes()).toBeGreaterThan(0);
    expect(bufferedBytes()).toBeLessThan(1.1 * large.length);
    socket.webSocket.resume();
    const numbers = () => toNumbers(JSON.stringify(socket.messages));
    await waitUntil(() => numbers().includes(changes));
    expectSkippedValues(numbers());
  });

  it('has at most two events buffered by SSE, and receives the last value when it reads again', async () => {
    const { url, waitForPolls, bufferedBytes } = await start();
    let text = '';
    const clientRequest = request(`${url}/stream?${new URLSearchParams({ query }).toString()}`, {
      headers: { accept: 'text/event-stream', 'mc-api-key': 'sandbox-key' },
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
    const { url, bufferedBytes } = await start();
    const socket = await openAcknowledgedSocket(url);
    socket.webSocket.pause();
    const payload = { x: 'x'.repeat(100_000) };
    const pings = 400;
    for (let ping = 0; ping < pings; ping++) socket.send({ type: 'ping', payload });
    // Waits until the client can send no more.
    for (let bufferedBefore = -1; bufferedBefore !== socket.webSocket.bufferedAmount;) {
      bufferedBefore = socket.webSocket.bufferedAmount;
      await sleep(200);
    }
    expect(socket.webSocket.bufferedAmount).toBeGreaterThan(0);
    expect(bufferedBytes()).toBeLessThan(1_000_000);
    socket.webSocket.resume();
    await socket.waitForMessages(1 + pings);
    expect(socket.messages.at(-1)).toEqual({ type: 'pong', payload });
  });
});
