// Subscribers that share their events: one execution for all of one key, operation and variables, whatever their transport and their speed.
import { hash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isObject } from '../../../src/json.js';
import { environmentLiteral, numberedVpc, numberedVpn, otherKey, range, wireVpn } from '../../helpers/fixtures.js';
import { sendRequest } from '../../helpers/http.js';
import { json } from '../../helpers/upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { isSilent, taskSubscription, vpnsSubscription } from './mutable-rest-api.js';
import { startOnRestApi } from './polling-gateway.js';
import { openAcknowledgedSocket, subscribeBySse, subscribeByWebSocket, transports } from './subscribers.js';

const withVpcs = `subscription ($states: [SiteToSiteVpnState!]) {
  siteToSiteVpnsUpdated(environment: ${environmentLiteral}, filter: {states: $states}) { nodes { name vpc { name } } }
}`;

/** Starts a gateway on a REST API with 20 VPNs in two VPCs. `change` makes the first VPN another. */
async function start(config: Parameters<typeof startOnRestApi>[0] = {}) {
  const gateway = await startOnRestApi(config);
  let version = 0;
  const vpns = () =>
    range(20).map((row) => numberedVpn(row, row % 2, row === 0 ? { name: `version-${version}` } : { name: `n${row}` }));
  gateway.rest.state.override = ({ url }) => ({
    data: url.includes('/vpcs') ? range(2).map((vpc) => numberedVpc(vpc)) : vpns(),
  });
  return {
    ...gateway,
    change: () => {
      version++;
    },
    vpcCalls: (key?: string) =>
      gateway.rest.calls.filter(
        ({ url, headers }) => url.includes('/vpcs') && (key === undefined || headers['mc-api-key'] === key),
      ).length,
  };
}

const hasVersion = (version: number) => (subscription: { readonly events: readonly unknown[] }) =>
  JSON.stringify(subscription.events.at(-1)).includes(`"version-${version}"`);

describe('Subscribers with the same key, operation and variables', () => {
  it('share one execution of each event over all transports, with one list call for the VPCs of all rows', async () => {
    const { url, change, vpcCalls } = await start();
    const subscribeBy = transports.map(([, connect]) => connect(url));
    const bySocket = subscribeByWebSocket(url);
    const first = bySocket(withVpcs, { states: null });
    await first.waitForEvents(1);
    const others = range(9).map((index) => (subscribeBy[index % 3] ?? bySocket)(withVpcs, { states: null }));
    await Promise.all(others.map((subscription) => subscription.waitForEvents(1)));
    expect(vpcCalls()).toBe(1);
    change();
    await waitUntil(() => [first, ...others].every(hasVersion(1)));
    expect(vpcCalls()).toBe(2);
    for (const { events } of others) expect(events).toEqual(first.events);
  });

  it('share an operation that some name by its id and some by its text', async () => {
    const { url, vpcCalls } = await start();
    const extensions = { persistedQuery: { version: 1, sha256Hash: hash('sha256', withVpcs) } };
    const sockets = await Promise.all(range(3).map(() => openAcknowledgedSocket(url)));
    for (const [index, payload] of [{ query: withVpcs, extensions }, { extensions }, { query: withVpcs }].entries()) {
      sockets[index]?.send({ id: '1', type: 'subscribe', payload });
      await sockets[index]?.waitForMessages(2);
    }
    const messages = sockets.map((socket) => socket.messages[1]);
    expect(messages[0]).toMatchObject({ id: '1', type: 'next', payload: { data: expect.any(Object) } });
    expect([messages[1], messages[2]]).toEqual([messages[0], messages[0]]);
    expect(vpcCalls()).toBe(1);
  });

  it('get the latest result at once when they join, without a REST call', async () => {
    const { url, rest } = await start({ watchPollMs: 3_600_000 });
    const first = subscribeBySse(url)(withVpcs);
    await first.waitForEvents(1);
    const calls = rest.calls.length;
    const second = subscribeByWebSocket(url)(withVpcs);
    await second.waitForEvents(1);
    expect(second.events).toEqual(first.events);
    expect(rest.calls).toHaveLength(calls);
  });

  it('wait for the latest event if it is being executed when they join', async () => {
    const { url, rest, change, vpcCalls } = await start();
    const first = subscribeBySse(url)(withVpcs);
    await first.waitForEvents(1);
    const respond = rest.state.override;
    const held: (() => void)[] = [];
    rest.state.override = (call, index) =>
      call.url.includes('/vpcs')
        ? (response) =>
            held.push(() => {
              json(200, { data: [numberedVpc(0), numberedVpc(1)] })(response);
            })
        : (respond?.(call, index) ?? {});
    change();
    await waitUntil(() => held.length === 1);
    const second = subscribeByWebSocket(url)(withVpcs);
    const third = subscribeByWebSocket(url)(taskSubscription);
    await third.waitForEvents(1);
    expect(second.events).toEqual([]);
    held[0]?.();
    await Promise.all([first.waitForEvents(2), second.waitForEvents(1)]);
    expect([second.events[0], hasVersion(1)(second)]).toEqual([first.events[1], true]);
    expect(vpcCalls()).toBe(2);
  });

  it('are one group: no other variables, operation or key share it, and it ends with its last subscriber', async () => {
    const { url, rest, watcher, vpcCalls } = await start();
    const subscribe = subscribeByWebSocket(url);
    const subscriptions = [
      subscribe(withVpcs),
      subscribe(withVpcs, { states: ['CONNECTED'] }),
      subscribe(withVpcs.replace('nodes {', 'nodes { state')),
      subscribeByWebSocket(url, otherKey)(withVpcs),
    ];
    await Promise.all(subscriptions.map((subscription) => subscription.waitForEvents(1)));
    expect([vpcCalls(otherKey), vpcCalls()]).toEqual([1, 4]);
    for (const subscription of subscriptions) subscription.unsubscribe();
    expect(await isSilent(rest, watcher)).toBe(true);
    await subscribe(withVpcs).waitForEvents(1);
    expect(vpcCalls()).toBe(5);
  });

  it('have errors with the request id of each, in its own event stream', async () => {
    const { url, rest } = await start();
    const respond = rest.state.override;
    rest.state.override = (call, index) =>
      call.url.includes('/vpcs') ? json(500, { errors: [] }) : (respond?.(call, index) ?? {});
    const ids: unknown[] = [];
    for (const subscription of [subscribeBySse(url)(withVpcs), subscribeByWebSocket(url)(withVpcs)]) {
      await subscription.waitForEvents(1);
      const [event] = subscription.events;
      expect(event).toMatchObject({ data: { siteToSiteVpnsUpdated: { nodes: { length: 20 } } } });
      const found = [...JSON.stringify(event).matchAll(/"requestId":"([^"]+)"/g)].map(([, id]) => id);
      expect(new Set(found).size).toBe(1);
      ids.push(found[0]);
    }
    expect(new Set(ids).size).toBe(2);
  });

  it('get no old failure when they join: the event is executed again', async () => {
    const { url, rest, vpcCalls } = await start({ watchPollMs: 3_600_000 });
    const respond = rest.state.override;
    rest.state.override = (call, index) =>
      call.url.includes('/vpcs') ? json(500, { errors: [] }) : (respond?.(call, index) ?? {});
    const subscribe = subscribeByWebSocket(url);
    const [first, second] = [subscribe(withVpcs), subscribe(withVpcs)];
    await Promise.all([first.waitForEvents(1), second.waitForEvents(1)]);
    const calls = vpcCalls();
    rest.state.override = respond;
    await waitUntil(async () => {
      const newcomer = subscribe(withVpcs);
      await newcomer.waitForEvents(1);
      return !JSON.stringify(newcomer.events).includes('"errors"');
    });
    const last = subscribe(withVpcs);
    await last.waitForEvents(1);
    expect(vpcCalls()).toBe(calls + 1);
    expect([first.events, second.events]).toMatchObject(range(2).map(() => ({ length: 1 })));
  });

  it('pay for the reads of an event that is executed again because they join', async () => {
    const { url, rest, vpcCalls } = await start({ watchPollMs: 3_600_000, rateLimitPerMinute: 3 });
    const respond = rest.state.override;
    rest.state.override = (call, index) =>
      call.url.includes('/vpcs') ? json(403, { errors: [] }) : (respond?.(call, index) ?? {});
    const subscribe = subscribeByWebSocket(url);
    await subscribe(withVpcs).waitForEvents(1);
    const calls = vpcCalls();
    // The list and its VPCs are 2 of 3.
    await waitUntil(async () => {
      await subscribe(withVpcs).waitForEvents(1);
      return vpcCalls() > calls;
    });
    const socket = await openAcknowledgedSocket(url);
    socket.send({ id: '1', type: 'subscribe', payload: { query: taskSubscription } });
    await socket.waitForClose();
    expect(socket.closed?.code).toBe(1013);
  });

  it('cause no REST call for an event that waits for its turn, if all of them leave', async () => {
    const { url, opsUrl, rest, logs, vpcCalls } = await start({ watchPollMs: 3_600_000 });
    const respond = rest.state.override;
    const held: (() => void)[] = [];
    rest.state.override = (call, index) =>
      call.url.includes('/vpcs')
        ? (response) =>
            held.push(() => {
              json(200, { data: [numberedVpc(0), numberedVpc(1)] })(response);
            })
        : (respond?.(call, index) ?? {});
    // As many events as a key, and a socket, execute at a time.
    const subscribeEight = (alias: string) => {
      const subscribe = subscribeByWebSocket(url);
      return range(8).map((index) => subscribe(withVpcs.replace('{ name vpc', `{ ${alias}${index}: name vpc`)));
    };
    const served = subscribeEight('served');
    await waitUntil(() => held.length === 8);
    const leaving = subscribeEight('leaving');
    const areOpen = async () => (await sendRequest(`${opsUrl}/metrics`)).text.includes('gateway_subscriptions 16');
    await waitUntil(areOpen);
    for (const subscription of leaving) subscription.unsubscribe();
    await waitUntil(() => logs.filter(({ msg }) => msg === 'operation').length === 8);
    rest.state.override = respond;
    for (const respondNow of held) respondNow();
    await Promise.all(served.map((subscription) => subscription.waitForEvents(1)));
    // Takes its turn after those that waited.
    const last = subscribeBySse(url)(vpnsSubscription);
    await last.waitForEvents(1);
    expect(vpcCalls()).toBe(8);
  });

  it('are each audited with their own request id for a pre-shared key in an event', async () => {
    const { url, logs } = await startOnRestApi();
    const query = vpnsSubscription.replace('{ name }', '{ ipSecPsk }');
    for (const subscription of [subscribeBySse(url)(query), subscribeByWebSocket(url)(query)]) {
      await subscription.waitForEvents(1);
    }
    const lines = logs.filter(({ msg }) => msg === 'audit');
    expect(lines).toMatchObject(range(2).map(() => ({ action: 'SiteToSiteVpn.ipSecPsk', outcome: 'done' })));
    expect(new Set(lines.map(({ requestId }) => requestId)).size).toBe(2);
  });

  it('count the REST calls of an event for the subscriber that it was executed for', async () => {
    const { url, logs } = await start({ watchPollMs: 3_600_000 });
    for (const subscription of [subscribeBySse(url)(withVpcs), subscribeBySse(url)(withVpcs)]) {
      await subscription.waitForEvents(1);
      subscription.unsubscribe();
    }
    const lines = () => logs.filter(({ msg }) => msg === 'operation');
    await waitUntil(() => lines().length === 2);
    expect(lines().reduce((sum, { restCalls }) => sum + Number(restCalls), 0)).toBeGreaterThan(0);
  });

  it('are not held up by one that does not read', async () => {
    const { url, rest } = await startOnRestApi({}, { slowClients: { idleMs: 600_000, maxBytes: Infinity } });
    const large = 'x'.repeat(6_000_000);
    let version = 0;
    rest.state.override = () => ({ data: [wireVpn({ gateway: `version-${version}`, name: large })] });
    const query = vpnsSubscription.replace('{ name }', '{ gateway name }');
    const slow = await openAcknowledgedSocket(url);
    slow.webSocket.pause();
    // More than 16 MiB of one key are unread.
    for (const id of ['1', '2']) {
      slow.send({ id, type: 'subscribe', payload: { query: query.replace('gateway name', `gateway a${id}: name`) } });
    }
    slow.send({ id: '3', type: 'subscribe', payload: { query } });
    const fast = subscribeByWebSocket(url)(query);
    await fast.waitForEvents(1);
    while (version < 3) {
      version++;
      await waitUntil(() => hasVersion(version)(fast));
    }
    slow.webSocket.resume();
    // Makes a text of the last one alone: each has 6 MB.
    const hasLatest = (id: string) => {
      const last = slow.messages.findLast((message) => isObject(message) && message['id'] === id);
      return JSON.stringify(last ?? null).includes('"version-3"');
    };
    await waitUntil(() => ['1', '2', '3'].every(hasLatest));
  });
});

describe.each(transports)('a task with many subscribers by %s', (_name, subscribeBy) => {
  it('has one read of its VPN when it ends, and gives each the last event and complete', async () => {
    const { url, rest } = await startOnRestApi();
    rest.state.override = ({ url: path }) =>
      path.includes('/tasks/')
        ? { taskId: path.split('/').at(-1), taskStatus: rest.state.taskStatus, result: wireVpn() }
        : { data: wireVpn() };
    const query = taskSubscription
      .replace('")', `", environment: ${environmentLiteral})`)
      .replace('status', 'status siteToSiteVpn { name }');
    const subscribe = subscribeBy(url);
    const subscriptions = range(30).map(() => subscribe(query));
    await Promise.all(subscriptions.map((subscription) => subscription.waitForEvents(1)));
    const reads = () => rest.calls.filter(({ url: path }) => path.includes('/sitetositevpns/')).length;
    expect(reads()).toBe(0);
    rest.state.taskStatus = 'SUCCESS';
    await Promise.all(subscriptions.map((subscription) => subscription.waitForEnd()));
    expect(reads()).toBe(1);
    for (const { events, end } of subscriptions) {
      expect(end).toBe('complete');
      expect(events.at(-1)).toEqual({
        data: { taskUpdated: { status: 'SUCCESS', siteToSiteVpn: { name: 'stargate' } } },
      });
    }
  });
});
