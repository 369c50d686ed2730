// Load shedding: while the event loop is delayed, new requests are rejected on every transport, and requests in progress go on.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { useFakeClock } from '../../helpers/fake-clock.js';
import { environmentLiteral, keyHeader, otherKey, range, taskId, vpnId } from '../../helpers/fixtures.js';
import { sendRequest, post, sendLines } from '../../helpers/http.js';
import { json } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { subscribeByWebSocket, openAcknowledgedSocket } from '../subscriptions/subscribers.js';
import { taskSubscription, vpnsSubscription } from '../subscriptions/mutable-rest-api.js';
import { startOnRestApi } from '../subscriptions/polling-gateway.js';

const key = keyHeader();
const maxDelayMs = 50;
const intervalMs = 500;
const list = { query: `{ siteToSiteVpns(environment: ${environmentLiteral}) { totalCount } }` };
const resetMutation = (waitSeconds: number) => ({
  query: `mutation { resetSiteToSiteVpn(input: {environment: ${environmentLiteral}, id: "${vpnId}", waitSeconds: ${waitSeconds}}) { task { status } } }`,
});
const message = 'The gateway is overloaded. Try again in a moment.';

const clock = useFakeClock(['setInterval']);

/** Starts a gateway whose event loop delay the test sets, in milliseconds. */
async function start(maxEventLoopDelayMs = maxDelayMs) {
  let delay = 0;
  const gateway = await startOnRestApi({ maxEventLoopDelayMs }, { readEventLoopDelay: () => delay });
  return {
    rest: gateway.rest,
    gateway,
    /** Sets the delay, for a number of intervals. */
    setDelay: (delayMs: number, count = 2) => {
      delay = delayMs;
      clock.advance(count * intervalMs);
    },
  };
}

describe('MAX_EVENT_LOOP_DELAY_MS', () => {
  it('rejects requests with 503, without REST calls, until the delay is over', async () => {
    const { rest, gateway, setDelay } = await start();
    setDelay(maxDelayMs + 1);
    const origin = 'http://localhost:3000';
    const rejections = await Promise.all([
      post(gateway.url, list, { ...key, origin }),
      post(gateway.url, resetMutation(0), key),
      post(`${gateway.url}/stream`, { query: taskSubscription }, { ...key, accept: 'text/event-stream' }),
      sendRequest(`${gateway.url}?query={__typename}`, { headers: key }),
    ]);
    setDelay(maxDelayMs);

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
    const subscribe = subscribeByWebSocket(gateway.url);
    const open = subscribe(taskSubscription);
    const subscribeOnAnotherSocket = subscribeByWebSocket(gateway.url);
    await Promise.all([open, subscribeOnAnotherSocket(taskSubscription)].map((each) => each.waitForEvents(1)));
    setDelay(maxDelayMs + 1);
    const another = subscribeOnAnotherSocket(vpnsSubscription);
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
    setDelay(maxDelayMs);

    expect(another).toMatchObject({
      events: [],
      end: { code: 1013, reason: 'The gateway is overloaded. Try again in 1 s.' },
    });
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
    const reading = post(gateway.url, list, keyHeader(otherKey));
    await waitUntil(() => heldResponses.length === 2);
    setDelay(maxDelayMs + 1);
    rest.state.taskStatus = 'SUCCESS';
    for (const response of heldResponses)
      json(200, response.req.method === 'POST' ? pendingTask : { data: [] })(response);
    const [waited, written, read] = await Promise.all([waiting, writing, reading]);
    setDelay(maxDelayMs);

    expect(waited).toMatchObject({ json: { data: { resetSiteToSiteVpn: { task: { status: 'SUCCESS' } } } } });
    expect(written).toMatchObject({ json: { data: { resetSiteToSiteVpn: { task: { status: 'PENDING' } } } } });
    expect(read).toMatchObject({ json: { data: { siteToSiteVpns: { totalCount: 0 } } } });
  });

  it('rejects nothing for a single delayed interval, however long', async () => {
    const { gateway, setDelay } = await start();
    for (let interval = 0; interval < 2; interval++) {
      setDelay(Infinity, 1);
      expect(await post(gateway.url, list, key)).toMatchObject({ status: 200 });
      setDelay(0, 1);
    }
  });

  it('rejects requests that have waited longer for their turn, and none after them', async () => {
    // No turn takes so little time.
    const { gateway } = await start(0.001);
    const { hostname, port } = new URL(gateway.url);
    let accepted = 0;
    gateway.app.server.on('connection', () => accepted++);
    const sockets = await Promise.all(
      range(40).map(async () => {
        const socket = connect(Number(port), hostname);
        addCleanup(() => socket.destroy());
        await once(socket, 'connect');
        return socket;
      }),
    );
    await waitUntil(() => accepted === sockets.length);
    const request = `GET /graphql?query={__typename} HTTP/1.1\r\nhost: a\r\nmc-api-key: ${Object.values(key)[0]}\r\n\r\n`;
    const responses = sockets.map(async (socket) => (await once(socket, 'data')).join('').slice(0, 12));
    for (const socket of sockets) socket.write(request);
    const statuses = await Promise.all(responses);

    expect(statuses.filter((status) => status === 'HTTP/1.1 200').length).toBeGreaterThanOrEqual(8);
    expect(statuses.filter((status) => status === 'HTTP/1.1 503').length).toBeGreaterThan(0);
    expect(await post(gateway.url, { query: '{ __typename }' }, key)).toMatchObject({ status: 200 });
  });

  it('rejects nothing when set to 0', async () => {
    const { gateway, setDelay } = await start(0);
    setDelay(Infinity);

    expect(await post(gateway.url, list, key)).toMatchObject({ status: 200 });
  });
});
