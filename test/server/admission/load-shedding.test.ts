// While the event loop is late, what comes new is turned away in GraphQL's shape with Retry-After, on each transport; what has begun goes on.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { startGateway } from '../../helpers/gateway.js';
import { until } from '../../helpers/until.js';
import { json } from '../../helpers/upstream.js';
import { ask, post, sendLines } from '../../helpers/wire.js';
import { byWebSocket, openAcknowledged } from '../subscriptions/subscribers.js';
import { environment, followTask, followVpns, startRest, taskId, vpnId } from '../subscriptions/changing-rest-api.js';

const most = 50;
const key = { 'mc-api-key': 'sandbox-key' };
const list = { query: `{ siteToSiteVpns(environment: ${environment}) { totalCount } }` };
const toReset = (waitSeconds: number) => ({
  query: `mutation { resetSiteToSiteVpn(input: {environment: ${environment}, id: "${vpnId}", waitSeconds: ${waitSeconds}}) { task { status } } }`,
});
const message = 'The gateway has too much to do; ask again in a moment.';

/** A gateway whose event loop is as late as a test says. */
async function start(maxEventLoopDelayMs = most, delay = 0) {
  const rest = await startRest();
  const overrides = { maxEventLoopDelayMs, taskPollMs: 20, watchPollMs: 20 };
  let reads = 0;
  const readDelay = () => {
    reads++;
    return delay;
  };
  const gateway = await startGateway(rest.url, overrides, { readDelay });
  return {
    rest,
    gateway,
    /** Has it be so late, at so many looks. */
    beLate: async (by: number, looks = 2) => {
      delay = by;
      const begun = reads;
      await until(() => reads >= begun + looks);
    },
  };
}

describe('MAX_EVENT_LOOP_DELAY_MS', () => {
  it('turns requests away with 503, with nothing sent, until the event loop is in time again', async () => {
    const { rest, gateway, beLate } = await start();
    await beLate(most + 1);
    const origin = 'http://localhost:3000';
    const refusals = await Promise.all([
      post(gateway.url, list, { ...key, origin }),
      post(gateway.url, toReset(0), key),
      post(`${gateway.url}/stream`, { query: followTask }, { ...key, accept: 'text/event-stream' }),
      ask(`${gateway.url}?query={__typename}`, { headers: key }),
    ]);
    await beLate(most);

    for (const refusal of refusals) {
      const requestId = refusal.headers.get('x-request-id');
      expect(refusal).toMatchObject({ status: 503 });
      expect(refusal.json).toEqual({ errors: [{ message, extensions: { code: 'OVERLOADED', requestId } }] });
      expect(Object.fromEntries(refusal.headers)).toMatchObject({
        'retry-after': '1',
        'cache-control': 'no-store',
        'content-type': 'application/json; charset=utf-8',
        'x-content-type-options': 'nosniff',
      });
    }
    expect(refusals[0].headers.get('access-control-allow-origin')).toBe(origin);
    expect(rest.calls).toEqual([]);
    const counted = /^gateway_shed_total\{full="event_loop"\} (\d+)$/m.exec(await gateway.metrics.text())?.[1];
    expect(Number(counted)).toBe(4);
    expect(await post(gateway.url, list, key)).toMatchObject({ status: 200 });
  });

  it('turns new WebSockets and new subscriptions away, and leaves those alone that are there', async () => {
    const { rest, gateway, beLate } = await start();
    const follow = byWebSocket(gateway.url);
    const open = follow(followTask);
    await open.has(1);
    await beLate(most + 1);
    const another = follow(followVpns);
    await another.ends();
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
    await open.ends();
    await beLate(most);

    const extensions = { code: 'OVERLOADED', retryAfter: 1, requestId: expect.any(String) };
    expect(another).toMatchObject({ events: [], end: [{ message, extensions }] });
    expect(handshake).toMatchObject({
      status: 503,
      json: { errors: [{ message, extensions: { code: 'OVERLOADED' } }] },
    });
    expect(handshake.headers.get('retry-after')).toBe('1');
    expect(open).toMatchObject({ end: 'complete', events: [expect.anything(), expect.anything()] });
    expect(rest.calls.every(({ url }) => url.includes('/tasks/'))).toBe(true);
    expect(await openAcknowledged(gateway.url)).toMatchObject({ messages: [{ type: 'connection_ack' }] });
  });

  it('lets reads, writes and waits go on that have begun', async () => {
    const { rest, gateway, beLate } = await start();
    const held: ServerResponse[] = [];
    const begun = { taskId, taskStatus: 'PENDING' };
    rest.state.instead = ({ method, url }) => {
      if (url.includes('/tasks/')) return { taskId, taskStatus: rest.state.taskStatus };
      return method === 'POST' && rest.calls.filter((call) => call.method === 'POST').length === 1
        ? begun
        : (response) => held.push(response);
    };
    const waiting = post(gateway.url, toReset(60), key);
    await until(() => rest.calls.some(({ url }) => url.includes('/tasks/')));
    const writing = post(gateway.url, toReset(0), key);
    const reading = post(gateway.url, list, { 'mc-api-key': 'another-key' });
    await until(() => held.length === 2);
    await beLate(most + 1);
    rest.state.taskStatus = 'SUCCESS';
    for (const response of held) json(200, response.req.method === 'POST' ? begun : { data: [] })(response);
    const [waited, written, read] = await Promise.all([waiting, writing, reading]);
    await beLate(most);

    expect(waited).toMatchObject({ json: { data: { resetSiteToSiteVpn: { task: { status: 'SUCCESS' } } } } });
    expect(written).toMatchObject({ json: { data: { resetSiteToSiteVpn: { task: { status: 'PENDING' } } } } });
    expect(read).toMatchObject({ json: { data: { siteToSiteVpns: { totalCount: 0 } } } });
  });

  it('turns nobody away for one stall, however long', async () => {
    const { gateway, beLate } = await start();
    for (let stall = 0; stall < 2; stall++) {
      await beLate(Infinity, 1);
      await beLate(0, 0);
      expect(await post(gateway.url, list, key)).toMatchObject({ status: 200 });
      await beLate(0, 1);
    }
  });

  it('turns nobody away where it is 0', async () => {
    const { gateway } = await start(0, Infinity);
    await sleep(1_500);

    expect(await post(gateway.url, list, key)).toMatchObject({ status: 200 });
  });
});
