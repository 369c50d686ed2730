// Load shedding: while the event loop is delayed, new requests are rejected on every transport, and requests in progress go on.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { startGateway } from '../../helpers/gateway.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { json } from '../../helpers/upstream.js';
import { sendRequest, post, sendLines } from '../../helpers/http.js';
import { subscribeByWebSocket, openAcknowledgedSocket } from '../subscriptions/subscribers.js';
import {
  environment,
  taskSubscription,
  vpnsSubscription,
  startRestApi,
  taskId,
  vpnId,
} from '../subscriptions/mutable-rest-api.js';

const maxDelayMs = 50;
const key = { 'mc-api-key': 'sandbox-key' };
const list = { query: `{ siteToSiteVpns(environment: ${environment}) { totalCount } }` };
const resetMutation = (waitSeconds: number) => ({
  query: `mutation { resetSiteToSiteVpn(input: {environment: ${environment}, id: "${vpnId}", waitSeconds: ${waitSeconds}}) { task { status } } }`,
});
const message = 'The gateway is overloaded. Try again in a moment.';

/** Starts a gateway whose event loop delay the test sets. */
async function start(maxEventLoopDelayMs = maxDelayMs, delay = 0) {
  const rest = await startRestApi();
  const overrides = { maxEventLoopDelayMs, taskPollMs: 20, watchPollMs: 20 };
  let reads = 0;
  const readDelay = () => {
    reads++;
    return delay;
  };
  const gateway = await startGateway(rest.url, overrides, { readEventLoopDelay: readDelay });
  return {
    rest,
    gateway,
    /** Sets the delay, in milliseconds, and waits until the gateway has read it a number of times. */
    setDelay: async (delayMs: number, count = 2) => {
      delay = delayMs;
      const before = reads;
      await waitUntil(() => reads >= before + count);
    },
  };
}

describe('MAX_EVENT_LOOP_DELAY_MS', () => {
  it('rejects requests with 503, without REST calls, until the delay is over', async () => {
    const { rest, gateway, setDelay } = await start();
    await setDelay(maxDelayMs + 1);
    const origin = 'http://localhost:3000';
    const rejections = await Promise.all([
      post(gateway.url, list, { ...key, origin }),
      post(gateway.url, resetMutation(0), key),
      post(`${gateway.url}/stream`, { query: taskSubscription }, { ...key, accept: 'text/event-stream' }),
      sendRequest(`${gateway.url}?query={__typename}`, { headers: key }),
    ]);
    await setDelay(maxDelayMs);

    for (const rejection of rejections) {
      const requestId = rejection.headers.get('x-request-id');
      expect(rejection).toMatchObject({ status: 503 });
      expect(rejection.json).toEqual({ errors: [{ message, extensions: { code: 'OVERLOADED', requestId } }] });
      expect(Object.fromEntries(rejection.headers)).toMatchObject({
        'retry-after': '1',
        'cache-control': 'no-store',
        'content-type': 'application/json; charset=utf-8',
        'x-content-type-options': 'nosniff',
      });
    }
    expect(rejections[0].headers.get('access-control-allow-origin')).toBe(origin);
    expect(rest.calls).toEqual([]);
    const shedCount = /^gateway_shed_total\{reason="event_loop"\} (\d+)$/m.exec(await gateway.metrics.text())?.[1];
    expect(Number(shedCount)).toBe(4);
    expect(await post(gateway.url, list, key)).toMatchObject({ status: 200 });
  });

  it('rejects new WebSockets and new subscriptions, and keeps open ones', async () => {
    const { rest, gateway, setDelay } = await start();
    const follow = subscribeByWebSocket(gateway.url);
    const open = follow(taskSubscription);
    await open.waitForEvents(1);
    await setDelay(maxDelayMs + 1);
    const another = follow(vpnsSubscription);
    await another.waitForEnd();
    const { host } = new URL(gateway.url);
    const handshake = await sendLines(gateway.url, [
      'GET /graphql HTTP/1.1',
      `host: ${host}`,
      'connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol: graphql-transport-ws',
      '',
      '',
    ]);
    rest.state.taskStatus = 'SUCCESS';
    await open.waitForEnd();
    await setDelay(maxDelayMs);

    const extensions = { code: 'OVERLOADED', retryAfter: 1, requestId: expect.any(String) };
    expect(another).toMatchObject({ events: [], end: [{ message, extensions }] });
    expect(handshake).toMatchObject({
      status: 503,
      json: { errors: [{ message, extensions: { code: 'OVERLOADED' } }] },
    });
    expect(handshake.headers.get('retry-after')).toBe('1');
    expect(open).toMatchObject({ end: 'complete', events: [expect.anything(), expect.anything()] });
    expect(rest.calls.every(({ url }) => url.includes('/tasks/'))).toBe(true);
    expect(await openAcknowledgedSocket(gateway.url)).toMatchObject({ messages: [{ type: 'connection_ack' }] });
  });

  it('lets reads, writes and waits in progress go on', async () => {
    const { rest, gateway, setDelay } = await start();
    const heldResponses: ServerResponse[] = [];
    const pendingTask = { taskId, taskStatus: 'PENDING' };
    rest.state.override = ({ method, url }) => {
      if (url.includes('/tasks/')) return { taskId, taskStatus: rest.state.taskStatus };
      return method === 'POST' && rest.calls.filter((call) => call.method === 'POST').length === 1
        ? pendingTask
        : (response) => heldResponses.push(response);
    };
    const waiting = post(gateway.url, resetMutation(60), key);
    await waitUntil(() => rest.calls.some(({ url }) => url.includes('/tasks/')));
    const writing = post(gateway.url, resetMutation(0), key);
    const reading = post(gateway.url, list, { 'mc-api-key': 'another-key' });
    await waitUntil(() => heldResponses.length === 2);
    await setDelay(maxDelayMs + 1);
    rest.state.taskStatus = 'SUCCESS';
    for (const response of heldResponses)
      json(200, response.req.method === 'POST' ? pendingTask : { data: [] })(response);
    const [waited, written, read] = await Promise.all([waiting, writing, reading]);
    await setDelay(maxDelayMs);

    expect(waited).toMatchObject({ json: { data: { resetSiteToSiteVpn: { task: { status: 'SUCCESS' } } } } });
    expect(written).toMatchObject({ json: { data: { resetSiteToSiteVpn: { task: { status: 'PENDING' } } } } });
    expect(read).toMatchObject({ json: { data: { siteToSiteVpns: { totalCount: 0 } } } });
  });

  it('rejects nothing for a single delayed interval, however long', async () => {
    const { gateway, setDelay } = await start();
    for (let interval = 0; interval < 2; interval++) {
      await setDelay(Infinity, 1);
      await setDelay(0, 0);
      expect(await post(gateway.url, list, key)).toMatchObject({ status: 200 });
      await setDelay(0, 1);
    }
  });

  it('rejects nothing when set to 0', async () => {
    const { gateway } = await start(0, Infinity);
    await sleep(1_500);

    expect(await post(gateway.url, list, key)).toMatchObject({ status: 200 });
  });
});
