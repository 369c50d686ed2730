// Callers that do not read: what waits for them stays small, however much changes, and when they read again the last value comes.
import { describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway } from '../../helpers/gateway.js';
import { until } from '../../helpers/until.js';
import { openAcknowledged } from './subscribers.js';
import { environment, startRest, wireVpn } from './changing-rest-api.js';

const query = `subscription { siteToSiteVpnsUpdated(environment: ${environment}) { nodes { gateway name } } }`;
// One value is a megabyte: some fit into what the operating system keeps for a connection, most do not.
const large = 'x'.repeat(1_000_000);
const changes = 60;

/** A list that is another at each look, `changes` times; counts the bytes that wait within the gateway. */
async function start() {
  const rest = await startRest();
  let looks = 0;
  rest.state.instead = () => ({ data: [wireVpn({ gateway: String(Math.min(++looks, changes)), name: large })] });
  const gateway = await startGateway(rest.url, { taskPollMs: 10, watchPollMs: 10 });
  const sockets = new Set<Socket>();
  gateway.app.server.on('connection', (socket) => sockets.add(socket));
  return {
    ...gateway,
    url: gateway.url,
    looked: () => until(() => looks > changes + 5),
    waiting: () => [...sockets].reduce((sum, socket) => sum + socket.writableLength, 0),
  };
}

function toNumbers(text: string): number[] {
  return [...text.matchAll(/"gateway":"(\d+)"/g)].map(([, number]) => Number(number));
}

/** The values came in order, the first and the last among them, and what was between was mostly left out. */
function expectFew(numbers: readonly number[]): void {
  expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
  expect(numbers[0]).toBe(1);
  expect(numbers.at(-1)).toBe(changes);
  expect(numbers.length).toBeLessThan(changes - 10);
}

describe('a caller that does not read', () => {
  it('by WebSocket: no more than one event waits, and the last value comes when it reads again', async () => {
    const { url, looked, waiting } = await start();
    const bare = await openAcknowledged(url);
    bare.send({ id: '1', type: 'subscribe', payload: { query } });
    bare.socket.pause();
    await looked();
    expect(waiting()).toBeGreaterThan(0);
    expect(waiting()).toBeLessThan(1.1 * large.length);
    bare.socket.resume();
    const numbers = () => toNumbers(JSON.stringify(bare.messages));
    await until(() => numbers().includes(changes));
    expectFew(numbers());
  });

  it('by Server-Sent Events: no more than two events wait, and the last value comes when it reads again', async () => {
    const { url, looked, waiting } = await start();
    let text = '';
    const sent = request(`${url}/stream?${new URLSearchParams({ query }).toString()}`, {
      headers: { accept: 'text/event-stream', 'mc-api-key': 'sandbox-key' },
    });
    const paused = new Promise<() => void>((resolve) => {
      sent.on('response', (response) => {
        response.pause();
        response.on('data', (chunk) => (text += String(chunk)));
        response.pause();
        response.on('error', () => undefined);
        resolve(() => response.resume());
      });
    });
    sent.end();
    const resume = await paused;
    await looked();
    expect(waiting()).toBeGreaterThan(0);
    expect(waiting()).toBeLessThan(2.1 * large.length);
    resume();
    await until(() => text.includes(`"gateway":"${changes}"`));
    expectFew(toNumbers(text));
    sent.destroy();
  });

  it('is not read either: answers to what it sends do not pile up', async () => {
    const { url, waiting } = await start();
    const bare = await openAcknowledged(url);
    bare.socket.pause();
    const payload = { x: 'x'.repeat(100_000) };
    const pings = 400;
    for (let ping = 0; ping < pings; ping++) bare.send({ type: 'ping', payload });
    // Until nothing moves any more.
    for (let before = -1; before !== bare.socket.bufferedAmount;) {
      before = bare.socket.bufferedAmount;
      await sleep(200);
    }
    expect(bare.socket.bufferedAmount).toBeGreaterThan(0);
    expect(waiting()).toBeLessThan(1_000_000);
    bare.socket.resume();
    await bare.has(1 + pings);
    expect(bare.messages.at(-1)).toEqual({ type: 'pong', payload });
  });
});
